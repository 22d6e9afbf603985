/** What is the same for every provider and rarely a matter of taste; tests set some of it. */
export interface RemotePolicy {
  /** Failures in a row (no connection, 5xx, silence) that open the circuit of an account. */
  readonly circuitFailures: number
  /** How long it is open at first; doubled each time a probe fails. */
  readonly openMs: number
  readonly maxOpenMs: number
  /** After 401 or 403, or when money is out. */
  readonly longRestMs: number
  /** After a 429 that does not say how long; doubled at each further one in a row, drawn at random below that. */
  readonly limitedRestMs: number
  readonly maxLimitedRestMs: number
  /** No header may set an account aside for longer. */
  readonly maxRestMs: number
  /** Wait before a retry on the same account; doubled, drawn at random. */
  readonly retryWaitMs: number
  /** A rest that is shorter than this is waited for, where no other account takes the request. */
  readonly maxRetryWaitMs: number
  /** A file that held no secret, or a refused one, is read again at most so often. */
  readonly secretReadMs: number
  readonly maxAnswerBytes: number
  readonly maxErrorBytes: number
  readonly maxStreamBytes: number
  /** What a stream may say before its first content, while it can still be retried. */
  readonly maxHeldBytes: number
}

export const remotePolicy: RemotePolicy = {
  circuitFailures: 5,
  openMs: 1000,
  maxOpenMs: 60_000,
  longRestMs: 300_000,
  limitedRestMs: 1000,
  maxLimitedRestMs: 60_000,
  maxRestMs: 3_600_000,
  retryWaitMs: 100,
  maxRetryWaitMs: 2500,
  secretReadMs: 10_000,
  maxAnswerBytes: 32 * 1024 * 1024,
  maxErrorBytes: 64 * 1024,
  maxStreamBytes: 64 * 1024 * 1024,
  maxHeldBytes: 64 * 1024,
}
