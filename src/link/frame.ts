/** The bytes on a link are not what they should be. The connection that carried them is closed. */
export class LinkProtocolError extends Error {
  override readonly name = 'LinkProtocolError'
}
