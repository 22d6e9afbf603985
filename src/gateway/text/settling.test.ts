import { fc, test as property } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { servingPolicy } from '../../contracts/index.ts'
import { ScriptedUpstream, scriptedModel, USED } from '../testing/scripted-upstream.ts'
import { openTextWorld, surfaces } from '../testing/text-world.ts'
import { until, type World } from '../testing/world.ts'

/** Settles late, in the way of its own turn, so that a cancel is often waited for. */
const acme = new ScriptedUpstream('acme', ['openai-chat'])
let world: World

beforeAll(async () => {
  const provider = 'acme'
  const drain = { serving: servingPolicy.parse({ onDisconnect: 'drain' }) }
  world = await openTextWorld({
    upstreams: [acme],
    models: [
      scriptedModel('chat', { v1: { provider } }),
      scriptedModel('drained', { v1: { provider } }, drain),
    ],
    limits: { settleGraceMs: 30 },
  })
})
afterAll(() => world.close())

type Move = 'accept' | 'content' | 'silent' | 'end' | 'fail' | 'leave' | 'deaf to cancel' | 'wait'
const moves = fc.array(
  fc.constantFrom<Move>(
    'accept',
    'content',
    'content',
    'silent',
    'end',
    'fail',
    'leave',
    'deaf to cancel',
    'wait',
  ),
  { maxLength: 8 },
)
const how = fc.record({
  isStream: fc.boolean(),
  surface: fc.constantFrom(...surfaces),
  isDrained: fc.boolean(),
  hasDeadline: fc.boolean(),
})
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a request through the door', () => {
  property.prop([fc.array(fc.tuple(how, moves), { minLength: 1, maxLength: 6 })], { numRuns: 25 })(
    'leaves one record with what was used, and nothing open, in whatever order things happen',
    async (requests) => {
      const before = world.control.records.length
      acme.calls.length = 0
      acme.behave = () => undefined
      await Promise.all(requests.map(([each, order]) => play(each, order)))
      await until(() => world.control.records.length >= before + requests.length)
      await until(async () => (await world.metric('slipway_gateway_in_flight')) === 0)
      const records = world.control.records.slice(before)
      expect(records).toHaveLength(requests.length)
      expect(new Set(records.map(({ requestId }) => requestId)).size).toBe(requests.length)
      for (const { text } of records) {
        expect(text?.attempts.length).toBeLessThanOrEqual(1)
        const [attempt] = text?.attempts ?? []
        if (attempt?.usage !== undefined) expect(text?.usage).toEqual(attempt.usage)
        if (attempt === undefined) expect(text?.usage.output).toBe(0)
      }
      for (const name of [
        'text_streams_open{model="chat"',
        'text_streams_open{model="drained"',
        'text_unsent_bytes',
      ])
        expect((await world.metric(`slipway_gateway_${name}`)) ?? 0).toBe(0)
    },
  )
})

let asked = 0

async function play(
  {
    hasDeadline,
    isDrained,
    isStream,
    surface,
  }: { hasDeadline: boolean; isDrained: boolean; isStream: boolean; surface: (typeof surfaces)[number] },
  order: readonly Move[],
): Promise<void> {
  const left = new AbortController()
  const unit = `mark ${asked++}.`
  const sent = surface.send({ ...(isStream ? { stream: true } : {}), user: unit })
  const path = isDrained ? sent.path.replace('chat/generate', 'drained/generate') : sent.path
  const headers = hasDeadline ? { 'x-slipway-timeout-ms': '25' } : {}
  const answer = world.send({ ...sent, path, headers, signal: left.signal }).catch(() => undefined)
  const mine = () =>
    acme.calls.find(({ call }) => {
      const { work } = call
      if (work.kind === 'relay') return work.body.includes(unit)
      return work.kind === 'generate' && JSON.stringify(work.request).includes(unit)
    })
  await until(() => mine() !== undefined)
  const call = mine() as NonNullable<ReturnType<typeof mine>>
  call.onCancel = () => call.fail('cancelled', { class: 'cancelled' }, { usage: USED })
  for (const move of order) {
    const { work } = call.call
    if (move === 'leave') left.abort()
    else if (move === 'deaf to cancel') call.onCancel = () => undefined
    else if (move === 'wait') await new Promise((resolve) => setTimeout(resolve, 15))
    else if (call.isSettled) continue
    else if (move === 'accept') call.accept()
    else if (move === 'end') end()
    else if (move === 'fail') call.fail('upstream_failed', { status: 0 }, { usage: USED })
    else if (isStream && work.kind === 'relay')
      call.sink.relayed(Buffer.from('data: {}\n\n'), { hasContent: move === 'content', events: 1 })
    else if (isStream)
      call.event(move === 'content' ? { type: 'text', choice: 0, text: 'x' } : { type: 'started', id: 'g' })
    await turn()
  }
  if (!call.isCancelled) end()
  await answer

  function end() {
    const { work } = call.call
    if (!isStream)
      call.sink.answer(
        work.kind === 'relay' ? Buffer.from('{}') : { id: 'g', createdAt: 0, choices: [], usage: USED },
      )
    call.end()
  }
}
