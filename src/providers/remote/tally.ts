import type { TokenUsage } from '../../contracts/index.ts'
import type { TextFailure } from '../text/text-upstream.ts'

/** Counts of one account since it was opened; for metrics. */
export class Tally {
  tries = 0
  answered = 0
  readonly errors = new Map<TextFailure['class'], number>()
  /** Read anew or from a cache; told by the provider. */
  inputTokens = 0
  outputTokens = 0

  tried(failed: TextFailure['class'] | undefined, usage: TokenUsage): void {
    this.tries++
    if (failed === undefined) this.answered++
    else this.errors.set(failed, (this.errors.get(failed) ?? 0) + 1)
    const { cacheRead, cacheWrite, cacheWriteHour, input, output } = usage
    this.inputTokens += (input ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0) + (cacheWriteHour ?? 0)
    this.outputTokens += output ?? 0
  }
}
