import { expect, test } from 'vitest'
import type { TextRun } from '../../text-engine.ts'
import { generate, loadedEngine, SPECULATION, say, tell } from './testing/sample.ts'

const long = say('Subject: Re: the list', { logitBias: { '1': -100 }, maxOutputTokens: 30 })

test('what is paused before its turn holds no sequence', async () => {
  const engine = await loadedEngine({ sequences: 1 })
  const settled = Promise.withResolvers<string>()
  const paused = engine.start(
    {
      work: { kind: 'generate', request: long },
      stream: true,
      requestId: 'p',
      priority: 1,
      deadlineAtMs: Number.POSITIVE_INFINITY,
    },
    {
      event: () => {},
      answer: () => {},
      settled: ({ failure }) => settled.resolve(failure?.code ?? 'whole'),
    },
  )
  paused.pause()
  expect((await generate(engine, long)).outcome.failure).toBeUndefined()
  paused.resume()
  expect(await settled.promise).toBe('whole')
  await engine.unload()
})

// Several events may lie ready at once: the last text, its end and the usage; and with speculation, several tokens.
test.each(['text', 'finished', 'usage'] as const)(
  'paused at %s, nothing comes until it is resumed',
  async (at) => {
    const engine = await loadedEngine({ speculation: SPECULATION.draft })
    const expected = await generate(engine, long)
    let isPaused = false
    let pauses = 0
    const told = await tell(
      engine,
      { kind: 'generate', request: long },
      {
        onEvent: (event, run) => {
          expect(isPaused).toBe(false)
          if (event.type !== at) return
          pauses++
          isPaused = true
          run.pause()
          setTimeout(() => {
            isPaused = false
            run.resume()
          }, 2)
        },
      },
    )
    expect(isPaused).toBe(false)
    expect(pauses).toBeGreaterThan(0)
    expect([told.text, told.outcome.usage.output]).toEqual([expected.text, expected.outcome.usage.output])
    await engine.unload()
  },
)

test('where nothing may wait, a second is refused, and tokens are counted all the same', async () => {
  const engine = await loadedEngine({ sequences: 1 }, { maxWaiting: 0 })
  const begun = Promise.withResolvers<TextRun>()
  const first = tell(
    engine,
    { kind: 'generate', request: long },
    {
      onEvent: (_, run) => {
        run.pause()
        begun.resolve(run)
      },
    },
  )
  const run = await begun.promise
  const [second, counted] = await Promise.all([
    generate(engine, long),
    tell(engine, { kind: 'count-tokens', request: long }, { stream: false }),
  ])
  expect(second.outcome.failure).toMatchObject({ code: 'overloaded', retrySafe: true })
  expect(counted.answer).toEqual({ inputTokens: expect.any(Number) })
  run.cancel()
  expect((await first).outcome.failure?.code).toBe('cancelled')
  expect((await generate(engine, long)).outcome.failure).toBeUndefined()
  await engine.unload()
})
