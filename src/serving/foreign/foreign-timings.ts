/** All ms. */
export interface ForeignTimings {
  /** Between two looks at whether it is ready. */
  readonly readyPollMs: number
  /** How long health and metrics may take to answer. */
  readonly answerTimeoutMs: number
  /** Between two looks at a server that runs. */
  readonly watchMs: number
  /** Without a good answer about its health for so long, it is given up. */
  readonly silentAfterMs: number
  /** With work and without a token for so long it is stuck, which probes and metrics tell. */
  readonly stuckAfterMs: number
  /** Stuck for so long, it is given up. */
  readonly hungAfterMs: number
  /** Between two looks at whether a draining server is done. */
  readonly idlePollMs: number
  /** From SIGTERM to SIGKILL, of the time to drain. */
  readonly endGraceMs: number
  /** Progress is written at most so often. */
  readonly progressMs: number
}

/** A prefill of a very long question may say nothing for a minute; nothing known says nothing for five. */
export const foreignTimings: ForeignTimings = {
  readyPollMs: 250,
  answerTimeoutMs: 5_000,
  watchMs: 5_000,
  silentAfterMs: 30_000,
  stuckAfterMs: 60_000,
  hungAfterMs: 300_000,
  idlePollMs: 250,
  endGraceMs: 10_000,
  progressMs: 1_000,
}
