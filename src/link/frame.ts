/**
 * A frame on the link: 24 bytes of fixed header, an optional header, a body. Integers are little-endian, as tensors are.
 *
 *   0  u32 length        bytes after this field: 20 + headerLength + body
 *   4  u8  versionKind   protocol version in the upper four bits (1), kind in the lower four
 *   5  u8  priority      0 is served first
 *   6  u16 flags         0; receivers ignore what they do not know
 *   8  u32 requestId     chosen by the client, unique among its unsettled requests
 *  12  u32 deadlineMs    of a request: remaining when it was sent, 0 for none
 *  16  u32 rows          of a request or an answer; of streams see below
 *  20  u32 headerLength
 *  24  header, then body
 *
 * kind       from    header                                        body
 * request    client  empty, or JSON object                         rows of the inputs
 * answer     server  u32 computeUs, u32 queueUs, u32 preprocessUs  rows of the outputs
 * error      server  JSON {code, parameters, detail, retrySafe}    –
 * cancel     client  –                                             –
 * ping, pong both    –                                             –
 * hello      both    JSON; the first frame of either side          –
 * goAway     server: "send nothing new"; client: "nothing more will come"
 *
 * Requests that are answered by events, where the server's hello says `"streams": true`:
 *
 * kind       from    rows                       header       body
 * ask        client  window: bytes of events    JSON object  what is asked
 *                    that may come at first
 * events     server  number of events           –            JSON array of events, in order
 * grant      client  bytes that may come more   –            –
 * end        server  0                          JSON object  the answer, where it is one
 *
 * An ask costs a credit of one row and the bytes of its body, as a request does, and is settled by its `end` or by an
 * `error`, which is the server's refusal to take it. What was cancelled is settled by its `end` too. A window counts the
 * bodies of events; the server may overdraw it by the events that it had in hand, and sends no more until it is granted.
 *
 * The vectors in `vectors.json` hold every implementation to this.
 */
export const FRAME_BYTES = 24
const PROTOCOL = 1
const AFTER_LENGTH_BYTES = FRAME_BYTES - 4
export const DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024

export const kinds = {
  request: 1,
  answer: 2,
  error: 3,
  cancel: 4,
  ping: 5,
  pong: 6,
  hello: 7,
  goAway: 8,
  ask: 9,
  events: 10,
  grant: 11,
  end: 12,
} as const
export type FrameKind = (typeof kinds)[keyof typeof kinds]
const LAST_KIND = kinds.end

/** The bytes on a link are not what they should be. The connection that carried them is closed. */
export class LinkProtocolError extends Error {
  override readonly name = 'LinkProtocolError'
}

export interface Frame {
  readonly kind: FrameKind
  readonly priority: number
  readonly requestId: number
  readonly deadlineMs: number
  readonly rows: number
  /** Views of received bytes, valid for as long as they are held. */
  readonly header: Buffer
  readonly body: Buffer
}

export const NO_BYTES: Buffer = Buffer.alloc(0)

/** Writes the fixed header at `at`; the caller puts header and body behind it. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  kind: FrameKind,
  priority: number,
  requestId: number,
  deadlineMs: number,
  rows: number,
  headerBytes: number,
  bodyBytes: number,
): void {
  into.writeUInt32LE(AFTER_LENGTH_BYTES + headerBytes + bodyBytes, at)
  into[at + 4] = (PROTOCOL << 4) | kind
  into[at + 5] = priority
  into[at + 6] = 0
  into[at + 7] = 0
  into.writeUInt32LE(requestId, at + 8)
  into.writeUInt32LE(deadlineMs, at + 12)
  into.writeUInt32LE(rows, at + 16)
  into.writeUInt32LE(headerBytes, at + 20)
}

/** Checks the length field; gives the bytes of the whole frame. */
export function frameLength(bytes: Buffer, at: number, maxFrameBytes: number): number {
  const whole = bytes.readUInt32LE(at) + 4
  if (whole < FRAME_BYTES) throw new LinkProtocolError(`a frame of ${whole} bytes is shorter than its header`)
  if (whole > maxFrameBytes) {
    throw new LinkProtocolError(`a frame of ${whole} bytes is larger than ${maxFrameBytes}`)
  }
  return whole
}

/** Reads the whole frame that starts at `at` and is `whole` bytes long. */
export function readFrame(bytes: Buffer, at: number, whole: number): Frame {
  const versionKind = bytes[at + 4] as number
  if (versionKind >> 4 !== PROTOCOL) {
    throw new LinkProtocolError(`protocol ${versionKind >> 4} is spoken, not ${PROTOCOL}`)
  }
  const kind = versionKind & 15
  if (kind === 0 || kind > LAST_KIND) throw new LinkProtocolError(`no frame is of kind ${kind}`)
  const headerBytes = bytes.readUInt32LE(at + 20)
  if (headerBytes > whole - FRAME_BYTES) {
    throw new LinkProtocolError(`a header of ${headerBytes} bytes does not fit into its frame`)
  }
  const bodyAt = at + FRAME_BYTES + headerBytes
  return {
    kind: kind as FrameKind,
    priority: bytes[at + 5] as number,
    requestId: bytes.readUInt32LE(at + 8),
    deadlineMs: bytes.readUInt32LE(at + 12),
    rows: bytes.readUInt32LE(at + 16),
    header: headerBytes === 0 ? NO_BYTES : bytes.subarray(at + FRAME_BYTES, bodyAt),
    body: bodyAt === at + whole ? NO_BYTES : bytes.subarray(bodyAt, at + whole),
  }
}

/** The JSON object in a header; throws `LinkProtocolError` for anything else. */
export function headerObject(header: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(header.toString('utf8'))
  } catch (cause) {
    throw new LinkProtocolError('a header is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LinkProtocolError('a header is not a JSON object')
  }
  return value as Record<string, unknown>
}
