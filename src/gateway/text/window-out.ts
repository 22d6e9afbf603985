import type { GenerateEvent } from '../../contracts/index.ts'
import type { GuardOut } from './parts.ts'

/** What the rules' window does with a question. */
export interface Windowed {
  windowed(event: GenerateEvent): void
  pauseForWindow(isPaused: boolean): void
}

export class WindowOut implements GuardOut {
  readonly #question: Windowed

  constructor(question: Windowed) {
    this.#question = question
  }

  event(event: GenerateEvent): void {
    this.#question.windowed(event)
  }

  pause(): void {
    this.#question.pauseForWindow(true)
  }

  resume(): void {
    this.#question.pauseForWindow(false)
  }
}
