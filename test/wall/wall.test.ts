/**
 * The fault wall: a client, the gateway as it runs, and two real HTTP providers behind it of which the first goes wrong
 * in each of the sixteen ways of Failover Bench. The second is well, and a ladder leads to it. What a client may see is
 * one of three things: the whole answer, an error that says so, or a stream that ends in an error. Never less.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../src/contracts/index.ts'
import { servingPolicy } from '../../src/contracts/index.ts'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { openaiChat, openScriptedServer, type Scenario, type ScriptedServer, scenarios } from './index.ts'
import { openRemoteWorld } from './remote-world.ts'

const { truth } = openaiChat.fixtures.text
/** Long enough for a loaded machine, short enough that what stalls is told within a test. */
const PATIENCE_MS = 400

declare module 'vitest' {
  interface TaskMeta {
    /** What a client saw: a cell of the table that `npm run wall` prints. */
    wall?: { readonly id: string; readonly column: string; readonly how: Seen['how'] }
  }
}

let primary: ScriptedServer
let backup: ScriptedServer
let world: World

beforeEach(async () => {
  primary = await openScriptedServer(openaiChat)
  backup = await openScriptedServer(openaiChat)
})
afterEach(async () => {
  await world.close()
  await Promise.all([primary.close(), backup.close()])
})

/** The gateway before both providers; with the ladder, what the first cannot answer goes to the second. */
async function open(hasLadder: boolean): Promise<void> {
  const rungs = [
    { kind: 'primary', name: 'full', quality: 1 },
    { kind: 'version', name: 'backup', version: 'v2', quality: 0.9 },
  ]
  const serving = hasLadder ? { serving: servingPolicy.parse({ ladder: { rungs } }) } : {}
  const versions = { v1: { provider: 'primary' }, v2: { provider: 'backup' } }
  const origins = { primary: primary.origin, backup: backup.origin }
  world = await openRemoteWorld(origins, [scriptedModel('chat', versions, serving)], PATIENCE_MS)
}

function play({ first, then }: Scenario): void {
  primary.next(...first)
  primary.always(then)
}

interface Seen {
  /** `answered`: all of it, and said to be all. `told`: an error instead of an answer. `cut`: an error after a part. */
  readonly how: 'answered' | 'told' | 'cut' | 'wrong'
  readonly text: string
  readonly status: number
  readonly record: RequestRecord
}

async function ask(isStream: boolean): Promise<Seen> {
  const before = world.control.records.length
  const body = { model: 'chat', stream: isStream, messages: [{ role: 'user', content: 'Why a gateway?' }] }
  const {
    body: bytes,
    headers,
    status,
  } = await world.send({ path: '/v1/chat/completions', body: JSON.stringify(body) })
  const record = (await world.records(before + 1)).at(-1) as RequestRecord
  const seen = headers['content-type']?.startsWith('text/event-stream')
    ? inStream(bytes)
    : inWhole(bytes, status)
  return { ...seen, status, record }
}

function inWhole(bytes: Buffer, status: number): Pick<Seen, 'how' | 'text'> {
  const answer = JSON.parse(bytes.toString()) as {
    error?: { message: string }
    choices?: { message: { content: string }; finish_reason: string }[]
  }
  const [choice] = answer.choices ?? []
  if (status === 200 && choice?.finish_reason === 'stop')
    return { how: 'answered', text: choice.message.content }
  const isTold = status >= 400 && typeof answer.error?.message === 'string' && choice === undefined
  return { how: isTold ? 'told' : 'wrong', text: '' }
}

function inStream(bytes: Buffer): Pick<Seen, 'how' | 'text'> {
  const stream = bytes.toString()
  const events = stream.split('\n\n').filter((event) => event.startsWith('data: '))
  let text = ''
  let isFinished = false
  let isError = false
  for (const event of events) {
    if (event === 'data: [DONE]') continue
    const chunk = JSON.parse(event.slice(6)) as {
      error?: unknown
      choices?: { delta: { content?: string }; finish_reason: string | null }[]
    }
    if (chunk.error !== undefined) isError = true
    text += chunk.choices?.[0]?.delta.content ?? ''
    if (chunk.choices?.[0]?.finish_reason === 'stop') isFinished = true
  }
  const isDone = events.at(-1) === 'data: [DONE]' && stream.endsWith('\n\n')
  if (isDone && isFinished && !isError) return { how: 'answered', text }
  // A stream that is passed on may have said why it finished before it broke; only [DONE] says that it is whole.
  const isCut = isError && !isDone && truth.text.startsWith(text) && stream.endsWith('\n\n')
  return { how: isCut ? 'cut' : 'wrong', text }
}

type Expected = Record<string, { readonly stream: Seen['how']; readonly whole: Seen['how'] }>

/**
 * With a ladder. After the first content nobody else may answer, since what was said cannot be taken back: S08, S09,
 * S10, S11 and S14 end in an error that says so. The content filter of S13 would refuse elsewhere too.
 */
const withLadder: Expected = {
  S01: { stream: 'answered', whole: 'answered' },
  S02: { stream: 'answered', whole: 'answered' },
  S03: { stream: 'answered', whole: 'answered' },
  S04: { stream: 'answered', whole: 'answered' },
  S05: { stream: 'answered', whole: 'answered' },
  S06: { stream: 'answered', whole: 'answered' },
  S07: { stream: 'answered', whole: 'answered' },
  S08: { stream: 'cut', whole: 'answered' },
  S09: { stream: 'cut', whole: 'answered' },
  S10: { stream: 'cut', whole: 'answered' },
  S11: { stream: 'cut', whole: 'answered' },
  S12: { stream: 'told', whole: 'told' },
  S13: { stream: 'told', whole: 'told' },
  S14: { stream: 'cut', whole: 'answered' },
  S15: { stream: 'answered', whole: 'answered' },
  S16: { stream: 'answered', whole: 'answered' },
}

describe('with a ladder to a second provider', () => {
  beforeEach(() => open(true))

  test.for(scenarios)('$id $title, streamed', async (scenario, { task }) => {
    play(scenario)
    const seen = await ask(true)
    task.meta.wall = { id: scenario.id, column: 'ladder streamed', how: seen.how }
    expect(seen.how).toBe(withLadder[scenario.id]?.stream)
    accountsFor(seen)
  })

  test.for(scenarios)('$id $title, whole', async (scenario, { task }) => {
    play(scenario)
    const seen = await ask(false)
    task.meta.wall = { id: scenario.id, column: 'ladder whole', how: seen.how }
    expect(seen.how).toBe(withLadder[scenario.id]?.whole)
    accountsFor(seen)
  })
})

describe('without one', () => {
  beforeEach(() => open(false))

  const both = scenarios.flatMap((scenario) =>
    [true, false].map((isStream) => ({ ...scenario, isStream, form: isStream ? 'streamed' : 'whole' })),
  )
  test.for(both)(
    '$id $title is told as it is, once and not as a success, $form',
    async (scenario, { task }) => {
      play(scenario)
      const seen = await ask(scenario.isStream)
      task.meta.wall = { id: scenario.id, column: `alone ${scenario.form}`, how: seen.how }
      expect(['answered', 'told', 'cut']).toContain(seen.how)
      if (scenario.then.fault !== undefined) expect(seen.how).not.toBe('answered')
      accountsFor(seen)
      expect(backup.requests).toHaveLength(0)
    },
  )
})

describe('what control hears of it', () => {
  test('accounts, ladder and month, as they are now, within what may be told', async () => {
    await open(true)
    for (const { then } of [scenarios[3], scenarios[3]] as Scenario[]) {
      primary.always(then)
      await ask(true)
    }
    await expect.poll(() => world.control.textStates.length, { timeout: 10_000 }).toBeGreaterThan(0)
    const heard = world.control.textStates.at(-1)
    expect(heard?.providers.map(({ provider }) => provider).sort()).toEqual(['backup', 'primary'])
    expect(heard?.providers.flatMap(({ accounts }) => accounts.map(({ tries }) => tries > 0))).toEqual([
      true,
      true,
    ])
    expect(heard?.ladders).toMatchObject([{ model: 'chat', month: { answers: 2, degraded: 2 } }])
  })
})

/** One record of each request, with every try that reached a provider in it, and nothing billed that nobody counted. */
function accountsFor({ how, record, status, text }: Seen): void {
  if (how === 'answered') expect(text).toBe(truth.text)
  expect(world.control.records.filter(({ requestId }) => requestId === record.requestId)).toHaveLength(1)
  expect(record.status).toBe(how === 'cut' ? record.status : status)
  expect(record.outcome === 'ok').toBe(how === 'answered')
  const attempts = record.text?.attempts ?? []
  expect(attempts.length).toBeGreaterThanOrEqual(primary.requests.length + backup.requests.length)
  if (how === 'answered') {
    expect(record.text?.usage).toMatchObject({ ...truth.usage })
    expect(record.text?.rung).toBe(backup.requests.length > 0 ? 'backup' : null)
  }
}
