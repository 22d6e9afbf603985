import { UnsupportedFeature } from '../../dialects/index.ts'
import { type Clock, NumberMap } from '../../kernel/index.ts'
import { DeadlineWatch, type LinkAsk, type LinkStream, type LinkStreamSink } from '../../link/index.ts'
import { ReplicaCall } from './replica-call.ts'
import type { TextCall, TextExchange, TextSink, TextUpstream } from './text-upstream.ts'

/** The replica's connection, as its text needs it. */
export interface ReplicaLine {
  readonly id: string
  readonly isReady: boolean
  whenReady(): Promise<void>
  /** Undefined: there is no connection that takes anything, or none that answers by events. */
  stream(ask: LinkAsk, sink: LinkStreamSink): LinkStream | undefined
  close(): Promise<void>
}

/** Text of a replica of ours, over the link of its rows: the neutral form goes in, and neutral events come out. */
export class ReplicaText implements TextUpstream {
  readonly id: string
  /** Dialects are the gateway's; a replica speaks none. */
  readonly relays: TextUpstream['relays'] = new Set()
  readonly #line: ReplicaLine
  readonly #clock: Clock
  readonly #watch: DeadlineWatch
  readonly #open = new NumberMap<ReplicaCall>()
  #lastId = 0
  #drained: (() => void) | undefined
  #isClosing = false

  constructor(line: ReplicaLine, clock: Clock) {
    this.id = line.id
    this.#line = line
    this.#clock = clock
    this.#watch = new DeadlineWatch(clock, (nowMs) => this.#sweep(nowMs))
  }

  get isReady(): boolean {
    return this.#line.isReady && !this.#isClosing
  }

  whenReady(): Promise<void> {
    return this.#isClosing ? Promise.resolve() : this.#line.whenReady()
  }

  start(call: TextCall, sink: TextSink): TextExchange {
    const { work } = call
    if (work.kind !== 'generate' && work.kind !== 'embed' && work.kind !== 'count-tokens')
      throw new UnsupportedFeature(work.kind, 'slipway', `a replica does not offer ${work.kind}`)
    const id = ++this.#lastId
    const started = new ReplicaCall(id, call, sink, {
      clock: this.#clock,
      due: (atMs) => this.#watch.add(atMs),
      settled: (over) => this.#settled(over),
    })
    this.#open.set(id, started)
    const ask = started.ask(work)
    const stream = this.#isClosing ? undefined : this.#line.stream(ask, started)
    if (stream === undefined) started.turnAway()
    else started.carriedBy(stream)
    return started
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#open.size > 0)
      await new Promise<void>((resolve) => {
        const before = this.#drained
        this.#drained = () => {
          before?.()
          resolve()
        }
      })
    this.#watch.close()
    await this.#line.close()
  }

  #settled(call: ReplicaCall): void {
    this.#open.delete(call.id)
    if (this.#open.size === 0) this.#drained?.()
  }

  #sweep(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY
    for (const call of this.#open.values()) {
      if (call.dueAtMs <= nowMs) call.due(nowMs)
      earliestMs = Math.min(earliestMs, call.dueAtMs)
    }
    return earliestMs
  }
}
