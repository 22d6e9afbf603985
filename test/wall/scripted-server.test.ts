import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type Fault, openaiChat, openScriptedServer, type Step, scenarios, stepsOf } from './index.ts'

const bytesOf = (steps: readonly Step[]) =>
  Buffer.concat(steps.map((step) => (step.act === 'write' ? step.bytes : Buffer.alloc(0))))

describe('what is played', () => {
  property.prop([fc.array(fc.nat({ max: 8000 })), fc.constantFrom('\n', '\r\n', '\r')])(
    'cuts change where writes end and never the bytes',
    (splits, newline) => {
      const uncut = bytesOf(stepsOf(openaiChat, { newline }, true))
      expect(bytesOf(stepsOf(openaiChat, { newline, splits }, true)).equals(uncut)).toBe(true)
      expect(uncut.includes('\n')).toBe(newline !== '\r')
    },
  )

  test.each(['text', 'tools'] as const)('%s is the same answer, whole and streamed', (fixture) => {
    const { events, truth, whole } = openaiChat.fixtures[fixture]
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta ?? {})
    const message = (whole as { choices: [{ message: { content: string | null } }] }).choices[0].message
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe(truth.text)
    expect(message.content ?? '').toBe(truth.text)
    expect(chunks[openaiChat.fixtures[fixture].usageAt].usage).toEqual((whole as { usage: object }).usage)
  })

  test.each<[string, Fault, Step['act'][]]>([
    ['a reset', { kind: 'reset' }, ['reset']],
    ['silence', { kind: 'silent' }, ['nothing-more']],
    ['a cut', { kind: 'cut', afterEvents: 1 }, ['head', 'write', 'reset']],
    ['half a stream', { kind: 'truncated', afterEvents: 2 }, ['head', 'write', 'write', 'end']],
    ['half an event', { kind: 'half-closed', afterEvents: 0 }, ['head', 'write', 'half-close']],
    ['an error in a 200', { kind: 'error-in-200', atEvent: 0, code: 'x' }, ['head', 'write', 'end']],
  ])('%s', (_, fault, acts) =>
    expect(stepsOf(openaiChat, { fault }, true).map(({ act }) => act)).toEqual(acts),
  )

  test('there are sixteen scenarios, in order', () =>
    expect(scenarios.map(({ id }) => id)).toEqual(
      Array.from({ length: 16 }, (_, index) => `S${String(index + 1).padStart(2, '0')}`),
    ))
})

test('a step that is held is not taken, and a client that leaves is noticed', async () => {
  const server = await openScriptedServer(openaiChat)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  server.schedule((_, step) => (step === 3 ? held : undefined))
  const leaving = new AbortController()
  const response = await fetch(`${server.origin}${openaiChat.path}`, {
    method: 'POST',
    body: '{"stream":true}',
    signal: leaving.signal,
  })
  await server.seen((event) => event.what === 'step' && event.step === 2)
  expect(server.events.some((event) => event.what === 'step' && event.step === 3)).toBe(false)
  leaving.abort()
  await server.seen((event) => event.what === 'left')
  release()
  expect(response.status).toBe(200)
  expect(server.events.at(-1)).toMatchObject({ what: 'left' })
  await server.close()
})
