import type { GenerateEvent } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { Blocks } from './blocks.ts'
import type { FramedEvents } from './framed-stream.ts'
import { readStopReason } from './stop-reason.ts'
import { readUsage } from './usage.ts'

/**
 * Events of `ConverseStream`. `messageStop` is the end of the answer and `metadata` with the usage comes after it, last; a
 * stream that ends between the two is whole, with a usage that nobody told.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export class ConverseEvents implements FramedEvents {
  readonly #emit: (event: GenerateEvent) => void
  readonly #blocks: Blocks
  #isStarted = false
  #isStopped = false

  constructor(emit: (event: GenerateEvent) => void) {
    this.#emit = emit
    this.#blocks = new Blocks(emit)
  }

  get isWhole(): boolean {
    return this.#isStopped
  }

  event(type: string | boolean | undefined, body: JsonObject): boolean {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#emit({ type: 'started', id: '' })
    }
    const index = body.contentBlockIndex
    if (type === 'metadata') {
      const serviceTier = textOf(objectOf(body.serviceTier)?.type)
      this.#emit({
        type: 'usage',
        usage: readUsage(body.usage),
        ...(serviceTier === undefined ? {} : { serviceTier }),
      })
      return this.#isStopped
    }
    if (this.#isStopped) return false
    if (type === 'contentBlockStart') this.#blocks.started(index, objectOf(body.start) ?? {})
    else if (type === 'contentBlockDelta') this.#blocks.delta(index, objectOf(body.delta) ?? {})
    else if (type === 'contentBlockStop') this.#blocks.stopped(index)
    else if (type === 'messageStop') this.#stop(body)
    return false
  }

  #stop({ stopReason }: JsonObject): void {
    const raw = textOf(stopReason)
    if (raw === undefined) throw new UpstreamBroken(brokenProblem('its stream does not say why it stopped'))
    this.#isStopped = true
    this.#emit({ type: 'finished', choice: 0, reason: readStopReason(raw), raw })
  }
}
