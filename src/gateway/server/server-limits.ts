export interface ServerLimits {
  readonly maxConnections: number
  readonly maxHeaderBytes: number
  /** From the first byte (or the connection, if none comes) to the end of the headers. */
  readonly headersTimeoutMs: number
  /** To the end of the body. */
  readonly requestTimeoutMs: number
  /** An idle kept connection closes after this; longer than what common balancers wait (60 s). */
  readonly keepAliveTimeoutMs: number
}

export const defaultServerLimits: ServerLimits = {
  maxConnections: 10_000,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
}
