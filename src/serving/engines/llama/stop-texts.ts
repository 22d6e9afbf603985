/**
 * Lets text through up to the first stop text, wherever token borders fall: what could still become one is held back.
 * The stop text itself is not part of the answer.
 */
export class StopTexts {
  readonly #stops: readonly string[]
  #held = ''
  /** The one that was met. */
  met: string | undefined

  constructor(stops: readonly string[]) {
    this.#stops = stops
  }

  /** What may be shown now; nothing more once a stop text was met. */
  push(text: string): string {
    if (this.met !== undefined) return ''
    const whole = this.#held + text
    const found = this.#first(whole)
    if (found !== undefined) {
      this.met = found.stop
      this.#held = ''
      return whole.slice(0, found.at)
    }
    const kept = this.#couldBegin(whole)
    this.#held = whole.slice(whole.length - kept)
    return whole.slice(0, whole.length - kept)
  }

  /** What was held back, when no more comes. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  /** The earliest; of those at one place the longest. */
  #first(text: string): { at: number; stop: string } | undefined {
    let best: { at: number; stop: string } | undefined
    for (const stop of this.#stops) {
      const at = text.indexOf(stop)
      if (at < 0) continue
      if (best === undefined || at < best.at || (at === best.at && stop.length > best.stop.length))
        best = { at, stop }
    }
    return best
  }

  #couldBegin(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) {
          longest = length
          break
        }
      }
    }
    return longest
  }
}
