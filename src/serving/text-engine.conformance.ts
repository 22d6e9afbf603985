import { afterEach, describe, expect, test } from 'vitest'
import type {
  EmbedAnswer,
  EmbedRequest,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
} from '../contracts/index.ts'
import { systemClock } from '../kernel/index.ts'
import type { TextEngine, TextLoadRequest, TextWork, TextWorkOutcome, TextWorkSink } from './text-engine.ts'

export interface TextEngineSample {
  readonly request: TextLoadRequest
  /** The same with one sequence, so that a second request waits. */
  readonly narrow: TextLoadRequest
  /** Of `narrow`: so many requests at once are more than it takes. */
  readonly crowd: number
  /** Is answered alike each time, with at least 12 tokens, which take a moment. */
  readonly question: GenerateRequest
  /** A text that its answer has in it, not at the beginning. */
  readonly inAnswer: string
  /** More than a sequence holds. */
  readonly tooLong: GenerateRequest
  /** Asks for a field that this engine does not have. */
  readonly unknown: { readonly request: GenerateRequest; readonly field: string }
  /** Undefined: it gives no vectors. */
  readonly embed: EmbedRequest | undefined
}

/** What every engine of text must do, whatever runs behind it. */
export function conformsToTextEngine(name: string, make: () => TextEngine, sample: TextEngineSample): void {
  const engines: TextEngine[] = []
  const loaded = async (request = sample.request) => {
    const engine = make()
    engines.push(engine)
    await engine.load(request)
    await engine.warmUp()
    return engine
  }
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.unload()
  })
  const { question } = sample

  describe(`the ${name} engine of text`, () => {
    test('has its name and describes itself once loaded', async () => {
      const engine = await loaded()
      expect(engine.name).toBe(name)
      const { contextTokens, embeddings, runtime, sequences } = engine.describe()
      expect([runtime.length > 0, contextTokens > 0, sequences > 0]).toEqual([true, true, true])
      expect(embeddings).toBe(sample.embed !== undefined)
    })

    test('says the same, whole and streamed, and again', async () => {
      const engine = await loaded()
      const [whole, streamed, again] = [
        await ask(engine, question, { stream: false }).done,
        await ask(engine, question, { stream: true }).done,
        await ask(engine, question, { stream: true }).done,
      ]
      expect(whole.text.length).toBeGreaterThan(0)
      expect([streamed.text, again.text]).toEqual([whole.text, whole.text])
      expect(streamed.outcome).toMatchObject({
        failure: undefined,
        finishReason: whole.outcome.finishReason,
        usage: { output: whole.outcome.usage.output },
      })
      expect(whole.answer).toMatchObject({ usage: whole.outcome.usage })
    })

    test('tells a stream in order, and how it ended only at the end', async () => {
      const { events, outcome } = await ask(await loaded(), question).done
      const types = events.map(({ type }) => type)
      expect(types[0]).toBe('started')
      expect(types.lastIndexOf('text')).toBeLessThan(types.indexOf('finished'))
      expect([types.includes('ended'), types.includes('failed')]).toEqual([false, false])
      const told = events.findLast((event) => event.type === 'usage')
      expect(told).toEqual({ type: 'usage', usage: outcome.usage })
      expect(events.find((event) => event.type === 'finished')?.reason).toBe(outcome.finishReason)
    })

    test('calls nothing before start returns, and nothing after it settled', async () => {
      const asked = ask(await loaded(), question)
      expect(asked.calls()).toBe(0)
      await asked.done
      const calls = asked.calls()
      asked.run.cancel()
      asked.run.pause()
      asked.run.resume()
      await turns(20)
      expect(asked.calls()).toBe(calls)
    })

    test('gives each its own answer, many at a time', async () => {
      const engine = await loaded()
      const alone = await ask(engine, question).done
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => ask(engine, question, { stream: index % 2 === 0 }).done),
      )
      expect(answers.map(({ text }) => text)).toEqual(answers.map(() => alone.text))
    })

    test('ends at the number of tokens that were asked for', async () => {
      const { outcome } = await ask(await loaded(), { ...question, maxOutputTokens: 5 }).done
      expect(outcome).toMatchObject({ failure: undefined, finishReason: 'length', usage: { output: 5 } })
    })

    test('ends at a text that was asked for, without saying it', async () => {
      const { inAnswer } = sample
      const engine = await loaded()
      const whole = await ask(engine, question).done
      const { outcome, text, events } = await ask(engine, { ...question, stop: [inAnswer] }).done
      expect(outcome).toMatchObject({ failure: undefined, finishReason: 'stop' })
      expect(whole.text.startsWith(text)).toBe(true)
      expect([text.length < whole.text.length, text.includes(inAnswer)]).toEqual([true, false])
      expect(events.find((event) => event.type === 'finished')).toMatchObject({ stopText: inAnswer })
    })

    test('stops when it is cancelled, and says what was used', async () => {
      const engine = await loaded()
      const whole = await ask(engine, question).done
      const asked = ask(engine, question)
      await asked.content()
      asked.run.cancel()
      asked.run.cancel()
      const { outcome, text } = await asked.done
      expect(outcome).toMatchObject({ failure: { code: 'cancelled', retrySafe: false } })
      expect(outcome.usage.output).toBeGreaterThan(0)
      expect(outcome.usage.output).toBeLessThan(whole.outcome.usage.output as number)
      expect(whole.text.startsWith(text)).toBe(true)
      await idle(engine)
    })

    test('one that waits and is cancelled used nothing, and the next comes up', async () => {
      const engine = await loaded(sample.narrow)
      const first = ask(engine, question)
      const waiting = ask(engine, question)
      const next = ask(engine, question)
      waiting.run.cancel()
      expect((await waiting.done).outcome).toMatchObject({
        failure: { code: 'cancelled', retrySafe: true },
        usage: { output: 0 },
      })
      expect(engine.gauges).toMatchObject({ running: 1, waiting: 1 })
      for (const { outcome } of await Promise.all([first.done, next.done]))
        expect(outcome.failure).toBeUndefined()
      expect((await next.done).outcome.queueUs).toBeGreaterThan(0)
    })

    test('paused, at most one event still comes, others go on; resumed, all of it', async () => {
      const engine = await loaded()
      const slow = ask(engine, question)
      await slow.content()
      slow.run.pause()
      const before = slow.texts()
      const other = await ask(engine, question).done
      await turns(20)
      expect(slow.texts() - before).toBeLessThanOrEqual(1)
      expect(slow.isSettled()).toBe(false)
      slow.run.resume()
      expect((await slow.done).text).toBe(other.text)
    })

    test('a paused one is cancelled all the same', async () => {
      const engine = await loaded()
      const asked = ask(engine, question)
      asked.run.pause()
      asked.run.cancel()
      expect((await asked.done).outcome.failure).toMatchObject({ code: 'cancelled' })
      await idle(engine)
    })

    test('a deadline ends it, at work and in the queue', async () => {
      const engine = await loaded(sample.narrow)
      const first = ask(engine, question)
      await first.content()
      first.run.pause()
      const late = ask(engine, question, { deadlineAtMs: systemClock.monotonicMs() + 5 })
      expect((await late.done).outcome).toMatchObject({
        failure: { code: 'deadline_exceeded' },
        usage: { output: 0 },
      })
      first.run.cancel()
      await first.done
      const held = ask(engine, question, { deadlineAtMs: systemClock.monotonicMs() + 50 })
      held.run.pause()
      expect((await held.done).outcome).toMatchObject({ failure: { code: 'deadline_exceeded' } })
    })

    test.each([
      ['what is too long for it', () => sample.tooLong, { code: 'context_too_long', retrySafe: false }],
      [
        'a field that it does not have',
        () => sample.unknown.request,
        { code: 'invalid_request', field: sample.unknown.field, retrySafe: false },
      ],
    ])('refuses %s, with nothing emitted', async (_, request, failure) => {
      const { events, outcome } = await ask(await loaded(), request()).done
      expect(outcome).toMatchObject({ failure })
      expect(events).toEqual([])
    })

    test('takes only so many, and says when to come again', async () => {
      const engine = await loaded(sample.narrow)
      const asked = Array.from({ length: sample.crowd }, () => ask(engine, question))
      const refused = asked.at(-1)
      expect((await refused?.done)?.outcome).toMatchObject({
        failure: { code: 'overloaded', retrySafe: true, retryAfterMs: expect.any(Number) },
      })
      for (const { run } of asked) run.cancel()
      await Promise.all(asked.map(({ done }) => done))
      await idle(engine)
    })

    test('serves what is more urgent first, and else in order of arrival', async () => {
      const engine = await loaded(sample.narrow)
      const order: string[] = []
      const named = (who: string, priority: number) =>
        ask(engine, { ...question, maxOutputTokens: 2 }, { priority }).done.then(() => order.push(who))
      await Promise.all([named('first', 2), named('second', 2), named('third', 2), named('urgent', 0)])
      expect(order).toEqual(['first', 'urgent', 'second', 'third'])
    })

    test('counts tokens as it reads them', async () => {
      const engine = await loaded()
      const { answer, outcome } = await ask(engine, question, { kind: 'count-tokens' }).done
      expect(outcome.failure).toBeUndefined()
      const { usage } = (await ask(engine, question).done).outcome
      expect(answer).toEqual({ inputTokens: (usage.input ?? 0) + (usage.cacheRead ?? 0) })
    })

    test('counts what it does', async () => {
      const engine = await loaded()
      const before = engine.gauges
      const { outcome } = await ask(engine, question).done
      const after = engine.gauges
      expect(after.outputTokens - before.outputTokens).toBe(outcome.usage.output)
      expect(after.inputTokens - before.inputTokens).toBe(
        (outcome.usage.input ?? 0) + (outcome.usage.cacheRead ?? 0),
      )
      expect([after.running, after.waiting]).toEqual([0, 0])
      expect(after.kvBlocksUsed).toBeLessThanOrEqual(after.kvBlocksTotal)
    })

    if (sample.embed === undefined)
      test('refuses to give vectors', async () => {
        const { outcome } = await ask(await loaded(), question, { embed: { inputs: ['a'] } }).done
        expect(outcome).toMatchObject({ failure: { code: 'invalid_request' } })
      })
    else
      test('gives a vector for each input, in order, alike each time', async () => {
        const engine = await loaded()
        const embed = sample.embed as EmbedRequest
        const [once, again] = [
          await ask(engine, question, { embed }).done,
          await ask(engine, question, { embed: { ...embed, inputs: embed.inputs.slice(1) as string[] } })
            .done,
        ]
        const { vectors } = once.answer as EmbedAnswer
        expect(vectors).toHaveLength(embed.inputs.length)
        expect((again.answer as EmbedAnswer).vectors[0]).toEqual(vectors[1])
        expect(vectors[0]).not.toEqual(vectors[1])
      })

    test('unloads twice, what runs is cancelled, and nothing is answered afterwards', async () => {
      const engine = await loaded()
      const running = ask(engine, question)
      await running.content()
      await engine.unload()
      await engine.unload()
      expect((await running.done).outcome).toMatchObject({ failure: { code: 'cancelled' } })
      expect((await ask(engine, question).done).outcome.failure).toBeDefined()
    })
  })
}

interface Asked {
  readonly stream?: boolean
  readonly priority?: number
  readonly deadlineAtMs?: number
  readonly kind?: 'generate' | 'count-tokens'
  readonly embed?: EmbedRequest
}

function ask(engine: TextEngine, request: GenerateRequest, asked: Asked = {}) {
  const { deadlineAtMs = Number.POSITIVE_INFINITY, embed, kind = 'generate', priority = 1 } = asked
  const sink = new Listening()
  const isStream = asked.stream ?? (kind === 'generate' && embed === undefined)
  const work: TextWork = {
    work: embed === undefined ? { kind, request } : { kind: 'embed', request: embed },
    stream: isStream,
    requestId: 'req-1',
    priority,
    deadlineAtMs,
  }
  const run = engine.start(work, sink)
  return {
    run,
    calls: () => sink.calls,
    texts: () => sink.events.filter(({ type }) => type === 'text').length,
    isSettled: () => sink.outcome !== undefined,
    content: () => sink.content.promise,
    done: sink.done.promise.then((outcome) => ({
      outcome,
      events: sink.events,
      answer: sink.answers[0],
      text: sink.text,
    })),
  }
}

class Listening implements TextWorkSink {
  calls = 0
  readonly events: GenerateEvent[] = []
  readonly answers: unknown[] = []
  outcome: TextWorkOutcome | undefined
  /** There was some. */
  readonly content = Promise.withResolvers<void>()
  readonly done = Promise.withResolvers<TextWorkOutcome>()

  event(event: GenerateEvent): void {
    this.#called()
    this.events.push(event)
    if (event.type === 'text') this.content.resolve()
  }

  answer(answer: unknown): void {
    this.#called()
    this.answers.push(answer)
  }

  settled(outcome: TextWorkOutcome): void {
    this.#called()
    this.outcome = outcome
    this.done.resolve(outcome)
  }

  get text(): string {
    const [answer] = this.answers as GenerateAnswer[]
    if (answer !== undefined && 'choices' in answer)
      return answer.choices[0]?.content.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
    return this.events.map((event) => (event.type === 'text' ? event.text : '')).join('')
  }

  #called(): void {
    if (this.outcome !== undefined) throw new Error('called after it settled')
    this.calls++
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

/** Nothing runs and nothing waits; a cancelled one may still finish its step. */
async function idle(engine: TextEngine): Promise<void> {
  const endsAtMs = systemClock.monotonicMs() + 10_000
  while (engine.gauges.running + engine.gauges.waiting > 0) {
    if (systemClock.monotonicMs() > endsAtMs) throw new Error('it does not come to rest')
    await systemClock.sleep(2)
  }
}
