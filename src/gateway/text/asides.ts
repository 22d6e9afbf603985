import type { TextAttempt } from '../../contracts/index.ts'
import type { Asides } from './parts.ts'

/** The contract's bound on the attempts of a record. */
const MAX_ATTEMPTS = 32

/** What the gateway asked on its own account for one request. */
export class AsideBook implements Asides {
  readonly attempts: TextAttempt[] = []
  /** Called when nothing of it runs any more. */
  settled: () => void = () => undefined
  #open = 0

  get isOpen(): boolean {
    return this.#open > 0
  }

  begin(): (attempts: readonly TextAttempt[]) => void {
    this.#open++
    let isTold = false
    return (attempts) => {
      if (isTold) return
      isTold = true
      this.attempts.push(...attempts.slice(0, MAX_ATTEMPTS - this.attempts.length))
      this.#open--
      if (this.#open === 0) this.settled()
    }
  }
}
