import type { GenerateEvent } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import {
  LinkProtocolError,
  type LinkStreamExchange,
  readAsk,
  type TextAnswer,
  type TextEnd,
} from '../link/index.ts'
import type { Health } from './health.ts'
import type { TextEngine, TextRun, TextWork, TextWorkOutcome, TextWorkSink } from './text-engine.ts'
import type { TextReplicaMetrics } from './text-metrics.ts'

export interface TextIntakeParts {
  readonly clock: Clock
  readonly engine: () => TextEngine
  readonly metrics: TextReplicaMetrics
  readonly health: Health
}

/** From the link to the engine and back, one `Asked` for each. */
export class TextIntake {
  /** Runs that are not settled and whose reader keeps up: of these something must come. */
  unpaused = 0
  readonly #parts: TextIntakeParts

  constructor(parts: TextIntakeParts) {
    this.#parts = parts
  }

  readonly take = (exchange: LinkStreamExchange): void => {
    const { health } = this.#parts
    if (this.unpaused === 0) health.moved()
    let work: TextWork
    try {
      const { ask, work: asked } = readAsk(exchange.header(), exchange.body)
      const { deadlineAtMs, priority } = exchange
      work = { work: asked, stream: ask.stream, requestId: ask.requestId, priority, deadlineAtMs }
    } catch (error) {
      // Requests are checked where they come in; what does not fit here is a fault between our own processes.
      if (!(error instanceof LinkProtocolError)) throw error
      exchange.fail('internal', {}, { retrySafe: true, detail: error.message })
      return
    }
    new Asked(this, this.#parts, exchange).begin(work)
  }
}

class Asked implements TextWorkSink {
  readonly #intake: TextIntake
  readonly #parts: TextIntakeParts
  readonly #exchange: LinkStreamExchange
  #answer: TextAnswer | undefined
  #firstMs: number | undefined
  #isPaused = false

  constructor(intake: TextIntake, parts: TextIntakeParts, exchange: LinkStreamExchange) {
    this.#intake = intake
    this.#parts = parts
    this.#exchange = exchange
  }

  begin(work: TextWork): void {
    let run: TextRun
    try {
      run = this.#parts.engine().start(work, this)
    } catch (error) {
      // One request that an engine trips over must not take all others with it.
      this.#exchange.fail('internal', {}, { retrySafe: true, detail: String(error) })
      return
    }
    this.#intake.unpaused++
    this.#exchange.onCancel = () => run.cancel()
    this.#exchange.onWindow = (isOpen) => this.#hold(run, !isOpen)
  }

  event(event: GenerateEvent): void {
    this.#parts.health.moved()
    if (event.type !== 'started') this.#firstMs ??= this.#parts.clock.monotonicMs()
    this.#exchange.emit(JSON.stringify(event))
  }

  answer(answer: TextAnswer): void {
    this.#parts.health.moved()
    this.#answer = answer
  }

  settled(outcome: TextWorkOutcome): void {
    const { health, metrics } = this.#parts
    if (!this.#isPaused) this.#intake.unpaused--
    health.moved()
    metrics.onSettled(
      outcome,
      this.#firstMs === undefined ? undefined : this.#firstMs - this.#exchange.arrivedMs,
    )
    const { failure, ...used } = outcome
    const end: TextEnd = failure === undefined ? used : { ...used, failure }
    const body = this.#answer === undefined ? undefined : Buffer.from(JSON.stringify(this.#answer))
    this.#exchange.end({ ...end }, body)
  }

  #hold(run: TextRun, isPaused: boolean): void {
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    this.#intake.unpaused += isPaused ? -1 : 1
    if (isPaused) run.pause()
    else run.resume()
  }
}
