import { defaultServerLimits, type ServerLimits } from './server/server-limits.ts'

/** Every bound of a gateway, in one place. */
export interface GatewayLimits {
  readonly server: ServerLimits
  readonly maxBodyBytes: number
  /** Of all requests in flight together; beyond it the gateway is full. */
  readonly maxBufferedBytes: number
  readonly maxRows: number
  readonly maxInFlight: number
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  /** Attempts beyond the first, on other replicas. */
  readonly maxRetries: number
  /** How long a new snapshot waits for the replicas it adds before it takes over regardless. */
  readonly connectGraceMs: number
  /** How long a request waits for a replica of its version to be ready, where there are any. */
  readonly holdUnreadyMs: number
  /** After the stop signal: how long answers carry `connection: close` before idle connections are cut. */
  readonly stopGraceMs: number
  /** And how long requests in flight may take before they are cut too. */
  readonly stopTimeoutMs: number
  readonly spillBytes: number
  readonly text: TextCallLimits
}

/** Bounds of requests to models of text. */
export interface TextCallLimits {
  readonly maxBodyBytes: number
  readonly maxDepth: number
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  /** What a request that names no bound of its own is taken to put out, where tokens are reserved. */
  readonly assumedOutputTokens: number
  /** A stream is committed when so much, or for so long, was held back without any content. */
  readonly holdBackBytes: number
  readonly holdBackMs: number
  /** A reader that takes nothing of what waits for it is cut after this. */
  readonly writeTimeoutMs: number
  /** How long an upstream that was cancelled may take to say what was used. */
  readonly settleGraceMs: number
  /** How often open streams are looked at. */
  readonly tickMs: number
  /** Rows of one predict request that are generated at the same time. */
  readonly rowsAtOnce: number
}

export const defaultTextCallLimits: TextCallLimits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxDepth: 128,
  defaultTimeoutMs: 600_000,
  maxTimeoutMs: 86_400_000,
  assumedOutputTokens: 1024,
  holdBackBytes: 65_536,
  holdBackMs: 60_000,
  writeTimeoutMs: 60_000,
  settleGraceMs: 10_000,
  tickMs: 1000,
  rowsAtOnce: 8,
}

export const defaultGatewayLimits: GatewayLimits = {
  server: defaultServerLimits,
  maxBodyBytes: 8 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  maxRows: 8192,
  maxInFlight: 4096,
  defaultTimeoutMs: 10_000,
  maxTimeoutMs: 600_000,
  maxRetries: 2,
  connectGraceMs: 1000,
  holdUnreadyMs: 1000,
  stopGraceMs: 200,
  stopTimeoutMs: 30_000,
  spillBytes: 256 * 1024 * 1024,
  text: defaultTextCallLimits,
}
