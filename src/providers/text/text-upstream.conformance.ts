import { afterEach, describe, expect, test } from 'vitest'
import type {
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  ProviderTimeouts,
} from '../../contracts/index.ts'
import { UnsupportedFeature } from '../../dialects/index.ts'
import type { TextCall, TextExchange, TextOutcome, TextSink, TextUpstream } from './text-upstream.ts'

/** What the other side says to any prompt, whole or streamed. */
export interface TextTruth {
  readonly text: string
  readonly finishReason: string
  readonly usage: { readonly input: number; readonly output: number }
}

/** The other side of a text upstream, as a test moves it. */
export interface OtherTextSide {
  readonly truth: TextTruth
  /** Answers stop for now: before anything was said, or after some content of a stream. */
  hold(where: 'start' | 'middle'): void
  /** Those that stopped go on. */
  release(): void
  /**
   * How the next request goes wrong: refused for what it asks, failed before any content, or broken off after some.
   */
  next(fault: 'rejected' | 'fails' | 'breaks-off'): void
  /** Requests that reached it. */
  seen(): number
  /** Resolves when that many requests were given up by us. */
  cancelled(count: number): Promise<void>
  /** Resolves when content of the newest request was sent. */
  said(): Promise<void>
  /** Goes away without a word, connections included. */
  vanish(): Promise<void>
  /** Is there again, at the same address. */
  comeBack(): Promise<void>
  close(): Promise<void>
}

export interface TextWorld {
  readonly upstream: TextUpstream
  readonly other: OtherTextSide
  /** Something that it cannot do. */
  readonly unsupported: TextCall['work']
}

export const patience: ProviderTimeouts = {
  connectMs: 5000,
  firstContentMs: 10_000,
  idleMs: 10_000,
  totalMs: 20_000,
}

/** Holds one kind of upstream to what `TextUpstream` promises. */
export function conformsToTextUpstream(kind: string, open: () => Promise<TextWorld>): void {
  const worlds: TextWorld[] = []
  const world = async () => {
    const opened = await open()
    worlds.push(opened)
    await opened.upstream.whenReady()
    return opened
  }
  afterEach(async () => {
    for (const { upstream, other } of worlds.splice(0)) {
      other.release()
      await upstream.close()
      await other.close()
    }
  })

  describe(`${kind} as a text upstream`, () => {
    test('says the same, whole and streamed', async () => {
      const { upstream, other } = await world()
      const whole = await ask(upstream, { stream: false }).done
      const streamed = await ask(upstream, { stream: true }).done
      expect([whole.text, streamed.text]).toEqual([other.truth.text, other.truth.text])
      for (const { outcome } of [whole, streamed])
        expect(outcome).toMatchObject({
          failure: undefined,
          finishReason: other.truth.finishReason,
          usage: other.truth.usage,
          earlier: [],
        })
      expect([whole.accepted, streamed.accepted]).toEqual([1, 1])
    })

    test('tells a stream in order, and how it ended only by its outcome', async () => {
      const { upstream } = await world()
      const { events } = await ask(upstream, { stream: true }).done
      const types = events.map(({ type }) => type)
      expect(types[0]).toBe('started')
      expect(types).not.toContain('ended')
      expect(types).not.toContain('failed')
      expect(types.lastIndexOf('text')).toBeLessThan(types.indexOf('finished'))
    })

    test('gives each caller its own answer, many at a time', async () => {
      const { upstream, other } = await world()
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) => ask(upstream, { stream: index % 2 === 0 }).done),
      )
      expect(answers.map(({ text }) => text)).toEqual(answers.map(() => other.truth.text))
      expect(other.seen()).toBe(40)
    })

    test('calls nothing before start returns, and nothing after it settled', async () => {
      const { upstream, other } = await world()
      other.hold('start')
      const asked = ask(upstream, { stream: true })
      expect(asked.heardAtStart).toBe(0)
      await until(() => other.seen() === 1)
      asked.exchange.cancel()
      const { calls } = await asked.done
      other.release()
      asked.exchange.cancel()
      asked.exchange.resume()
      await other.cancelled(1)
      expect(asked.calls()).toBe(calls)
    })

    test('a cancelled request settles as cancelled, and the other side is told', async () => {
      const { upstream, other } = await world()
      other.hold('start')
      const early = ask(upstream, { stream: false })
      await until(() => other.seen() === 1)
      early.exchange.cancel()
      expect((await early.done).outcome.failure).toMatchObject({ code: 'cancelled', hadContent: false })
      await other.cancelled(1)
      other.hold('middle')
      const late = ask(upstream, { stream: true })
      await until(() => late.text() !== '')
      late.exchange.cancel()
      expect((await late.done).outcome.failure).toMatchObject({ code: 'cancelled', hadContent: true })
      await other.cancelled(2)
    })

    test('what fails before content emits nothing', async () => {
      const { upstream, other } = await world()
      other.next('fails')
      const { events, outcome } = await ask(upstream, { stream: true }).done
      expect(outcome.failure).toMatchObject({ hadContent: false })
      expect(events).toEqual([])
      expect((await ask(upstream, { stream: true }).done).text).toBe(other.truth.text)
    })

    test('what breaks off after content is a failure that says so', async () => {
      const { upstream, other } = await world()
      other.next('breaks-off')
      const { outcome, text } = await ask(upstream, { stream: true }).done
      expect(outcome.failure).toMatchObject({ hadContent: true })
      expect(['upstream_truncated', 'replica_lost']).toContain(outcome.failure?.code)
      expect(other.truth.text.startsWith(text)).toBe(true)
      expect(text).not.toBe('')
    })

    test('a bad request is rejected, not retried, and harms nobody else', async () => {
      const { upstream, other } = await world()
      other.next('rejected')
      const { outcome } = await ask(upstream, { stream: true }).done
      expect(outcome).toMatchObject({
        failure: { code: 'upstream_rejected', class: 'invalid', hadContent: false },
        earlier: [],
      })
      expect(other.seen()).toBe(1)
      expect((await ask(upstream, { stream: false }).done).outcome.failure).toBeUndefined()
    })

    test.each([
      ['no content', 'start', { firstContentMs: 40 }, false],
      ['silence in the middle', 'middle', { idleMs: 60 }, true],
      ['no end', 'middle', { totalMs: 300 }, true],
    ] as const)('%s: the time runs out, though the other side says nothing', async (_, where, times, had) => {
      const { upstream, other } = await world()
      other.hold(where)
      const { outcome } = await ask(upstream, { stream: true, timeouts: { ...patience, ...times } }).done
      expect(outcome.failure).toMatchObject({ class: 'timeout', hadContent: had })
      await other.cancelled(1)
    })

    test('paused, at most one chunk still comes; resumed, all of it', async () => {
      const { upstream, other } = await world()
      other.hold('middle')
      const asked = ask(upstream, { stream: true })
      await until(() => asked.text() !== '')
      asked.exchange.pause()
      const before = asked.events()
      other.release()
      await other.said()
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      expect(asked.chunksSince(before)).toBeLessThanOrEqual(1)
      expect(asked.isSettled()).toBe(false)
      asked.exchange.resume()
      const { outcome, text } = await asked.done
      expect([text, outcome.failure]).toEqual([other.truth.text, undefined])
    })

    test('what it cannot do is refused by throwing, and nothing is sent', async () => {
      const { unsupported, upstream, other } = await world()
      const sink = new Listening()
      expect(() => upstream.start(callOf({ stream: false, work: unsupported }), sink)).toThrow(
        UnsupportedFeature,
      )
      expect([sink.calls, other.seen()]).toEqual([0, 0])
    })

    test('the other side vanishes: what is in flight fails, then it is there again', async () => {
      const { upstream, other } = await world()
      other.hold('middle')
      const lost = ask(upstream, { stream: true })
      await until(() => lost.text() !== '')
      await other.vanish()
      expect((await lost.done).outcome.failure).toMatchObject({ hadContent: true })
      expect((await ask(upstream, { stream: true }).done).outcome.failure).toMatchObject({
        hadContent: false,
      })
      await other.comeBack()
      other.release()
      await until(async () => (await ask(upstream, { stream: false }).done).outcome.failure === undefined)
    })

    test('close takes nothing new and waits for what is in flight', async () => {
      const { upstream, other } = await world()
      other.hold('middle')
      const last = ask(upstream, { stream: true })
      await until(() => last.text() !== '')
      let closed = false
      const closing = upstream.close().then(() => {
        closed = true
      })
      const turnedAway = await ask(upstream, { stream: true }).done
      expect(['provider_unready', 'replica_unready']).toContain(turnedAway.outcome.failure?.code)
      expect([upstream.isReady, closed]).toEqual([false, false])
      other.release()
      expect((await last.done).text).toBe(other.truth.text)
      await closing
      await upstream.close()
      await upstream.whenReady()
    })
  })
}

const PROMPT: GenerateRequest = {
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Why does a gateway earn trust?' }] }],
}

export interface Asked {
  readonly stream: boolean
  readonly work?: TextCall['work']
  readonly timeouts?: ProviderTimeouts
  readonly hideUsage?: boolean
  readonly avoidAccount?: string
}

export function callOf({ hideUsage = false, stream, timeouts = patience, work, ...more }: Asked): TextCall {
  return {
    ...more,
    work: work ?? { kind: 'generate', request: { ...PROMPT, stream } },
    stream,
    modelName: 'any-model',
    timeouts,
    hideUsage,
    priority: 0,
  }
}

/** Everything that a sink was told. */
export class Listening implements TextSink {
  calls = 0
  accepted_: Parameters<TextSink['accepted']>[0][] = []
  events: GenerateEvent[] = []
  /** Turns of the event loop in which events came: chunks, as near as a sink can tell. */
  bytes: Buffer[] = []
  answers: unknown[] = []
  outcome: TextOutcome | undefined
  readonly #done = Promise.withResolvers<TextOutcome>()

  get done(): Promise<TextOutcome> {
    return this.#done.promise
  }

  accepted(by: Parameters<TextSink['accepted']>[0]): void {
    this.calls++
    this.accepted_.push(by)
  }

  event(event: GenerateEvent): void {
    this.calls++
    this.events.push(event)
  }

  relayed(bytes: Buffer): void {
    this.calls++
    this.bytes.push(Buffer.from(bytes))
  }

  answer(answer: unknown): void {
    this.calls++
    this.answers.push(answer)
  }

  settled(outcome: TextOutcome): void {
    this.calls++
    if (this.outcome !== undefined) throw new Error('settled twice')
    this.outcome = outcome
    this.#done.resolve(outcome)
  }

  get text(): string {
    const [answer] = this.answers as GenerateAnswer[]
    if (answer !== undefined && 'choices' in answer)
      return answer.choices[0]?.content.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
    return this.events.map((event) => (event.type === 'text' ? event.text : '')).join('')
  }
}

function ask(upstream: TextUpstream, asked: Asked) {
  const sink = new Listening()
  const exchange: TextExchange = upstream.start(callOf(asked), sink)
  return {
    exchange,
    heardAtStart: sink.calls,
    calls: () => sink.calls,
    text: () => sink.text,
    events: () => sink.events.length,
    chunksSince: (before: number) => sink.events.slice(before).filter(({ type }) => type === 'text').length,
    isSettled: () => sink.outcome !== undefined,
    done: sink.done.then((outcome) => ({
      outcome,
      text: sink.text,
      events: sink.events,
      accepted: sink.accepted_.length,
      calls: sink.calls,
    })),
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`not so within 10 s: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
