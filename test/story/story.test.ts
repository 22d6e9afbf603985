/**
 * The first hour with Slipway, on the published package, in order: the sample goes live, the change that only looks
 * better is blocked, the one that fails later is rolled back. Real processes, real mails, real models.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type {
  Change,
  ChangeEvent,
  FailureCase,
  Incident,
  RolloutLook,
  StatusReport,
} from '../../src/contracts/index.ts'
import { type Client, createClient } from '../../src/sdk/index.ts'
import { type Installed, installPacked, type Ran } from './installed.ts'

let installed: Installed
let api: Client
const sample = (name: string) => join(installed.folder, 'node_modules/slipway/samples', name, 'change.yaml')
const champion = async () => (await api.call('getTraffic', { params: { model: 'spam_filter' } })).shares

/**
 * Intervals of 95 % on a shared machine do not settle every time what is true; then the answer is "inconclusive", exit
 * code 2, and a person would propose again. So does this, twice at most.
 */
async function settled(first: Promise<Ran>, name: string): Promise<Ran> {
  let ran = await first
  for (let again = 0; ran.code === 2 && again < 2; again++)
    ran = await installed.slipway('change', 'run', sample(name))
  return ran
}

beforeAll(async () => {
  installed = await installPacked()
})
afterAll(() => installed?.remove())

test('up serves the model, checks the change, and carries it live', async () => {
  const first = await installed.slipway('up')
  expect(first.err).toBe('')
  expect(first.out).toMatch(/✔ spam_filter v1 serving/)
  const { code, out } = await settled(Promise.resolve(first), 'spam')
  for (const check of ['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
    expect(out).toMatch(new RegExp(`${check} +✔`))
  expect(out).toMatch(/ADOPT: /)
  expect(out).toMatch(/canary +✔ 1 % ─ 5 % ─ 25 % ─ 50 % ─ 100 % +live after/)
  expect(code).toBe(0)
  const { key } = JSON.parse(readFileSync(join(installed.folder, '.slipway/credentials.json'), 'utf8')) as {
    key: string
  }
  if (first.code === 0) expect(first.out).toMatch(/before: v1 100 % +now: v2 100 %/)
  api = createClient({ controlUrl: installed.controlUrl, gatewayUrl: installed.gatewayUrl, key })
})

test('credentials and secrets are for their owner alone', () => {
  for (const file of [
    'credentials.json',
    'traffic.json',
    'secrets/pepper',
    'secrets/internal-key',
    'secrets/lab-key',
  ])
    expect(statSync(join(installed.folder, '.slipway', file)).mode & 0o077, file).toBe(0)
})

test('the canary took each step on evidence of both arms, and no request of it failed', async () => {
  const [change] = (await api.call('listChanges')).items
  const { rollout, looks } = await api.call('getRollout', { params: { change: change?.id ?? '' } })
  expect(rollout?.state).toMatch(/done|promoting/)
  const promotions = looks.filter((look: RolloutLook) => look.decision === 'promote')
  expect(promotions.map((look) => look.sharePercent)).toEqual([1, 5, 25, 50])
  for (const look of promotions) for (const guard of look.guards) expect(guard.decision).toBe('promote')
  const errors = looks.at(-1)?.guards.find((guard) => guard.name === 'errors')
  expect(errors?.candidate.events).toBe(0)
})

test('the bundle verifies offline, and any flipped byte is found', async () => {
  const [change] = (await api.call('listChanges')).items
  const bundle = join(installed.folder, 'bundle.json')
  expect((await installed.slipway('change', 'report', change?.id ?? '', '--bundle', bundle)).code).toBe(0)
  expect(await installed.slipway('verify', bundle)).toMatchObject({ code: 0 })
  const text = readFileSync(bundle, 'utf8')
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    const at = digitAfter(text, Math.floor(text.length * share))
    writeFileSync(bundle, `${text.slice(0, at)}${(Number(text[at]) + 1) % 10}${text.slice(at + 1)}`)
    expect(await installed.slipway('verify', bundle), `a digit at ${at}`).toMatchObject({ code: 1 })
  }
})

test('up again takes up what runs and repeats nothing; so does up after down', async () => {
  const before = (await api.call('listChanges')).items.length
  const again = await installed.slipway('up')
  expect(again).toMatchObject({ code: 0 })
  expect(again.out).toMatch(/runs already/)
  expect((await installed.slipway('down')).code).toBe(0)
  const restarted = await installed.slipway('up')
  expect(restarted.out).toMatch(/spam_filter serving: v2 100 %/)
  expect((await api.call('listChanges')).items).toHaveLength(before)
  const answer = await api.call('predict', {
    params: { model: 'spam_filter' },
    body: { inputs: [{ text: 'You have won' }] },
  })
  expect(answer).toMatchObject({ model: 'spam_filter', version: 'v2' })
})

test('the candidate that only looks better is blocked, with the reason', async () => {
  const { code, out } = await installed.slipway('change', 'run', sample('looks-better'))
  expect(code).toBe(1)
  expect(out).toMatch(/accuracy +✘/)
  expect(out).toMatch(/inferior/)
  expect(await champion()).toMatchObject({ v2: 100 })
})

/**
 * Ends control as a crash would while it carries a canary; the supervisor starts it again. Resolves to whether it came
 * to that before `run` ended.
 */
async function crashControlInCanary(run: Promise<unknown>): Promise<boolean> {
  let isOver = false
  void run.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const [change] = (await api.call('listChanges')).items
    if (change?.state === 'canary') {
      const { rollout, looks } = await api.call('getRollout', { params: { change: change.id } })
      if (rollout?.state === 'progressing' && looks.length >= 3) {
        process.kill(await pidOf('control'), 'SIGKILL')
        return true
      }
    }
    await sleep(300)
  }
  return false
}

async function pidOf(name: string): Promise<number> {
  const { processes } = await installed.json<StatusReport>('status')
  return processes.find((process) => process.name === name)?.pid ?? Number.NaN
}

test('the candidate that degrades in production is caught, rolled back, and its failures kept, though control crashes in its canary', async () => {
  const running = installed.slipway('change', 'run', sample('slow-burn'))
  const pid = await pidOf('control')
  const hasCrashed = await crashControlInCanary(running)
  const { code, out } = await settled(running, 'slow-burn')
  expect(hasCrashed || out.includes('inconclusive')).toBe(true)
  if (hasCrashed) expect(await pidOf('control')).not.toBe(pid)
  expect(out).toMatch(/ADOPT|adopt/)
  expect(out).toMatch(/rolled back/)
  expect(code).toBe(1)
  expect(await champion()).toMatchObject({ v2: 100 })
  const [change] = (await api.call('listChanges')).items as Change[]
  expect(change?.state).toBe('rolled-back')
  const { rollout } = await api.call('getRollout', { params: { change: change?.id ?? '' } })
  expect(rollout?.state).toBe('rolled-back')
  expect(rollout?.rollbackMs).toBeLessThan(1000)
  const { items: windows } = await api.call('listWindows', {
    params: { model: 'spam_filter' },
    query: { fromMs: rollout?.startedAt ?? 0, toMs: rollout?.finishedAt ?? 0, sizeMs: 60_000 },
  })
  const served = windows.filter(({ version }) => version === 'v2')
  expect(served.reduce((sum, window) => sum + window.requests, 0)).toBeGreaterThan(0)
  expect(served.reduce((sum, window) => sum + window.errors + window.timeouts, 0)).toBe(0)
  const incidents = (await api.call('listIncidents')).items as Incident[]
  expect(incidents.some((incident) => incident.changeId === change?.id)).toBe(true)
  const cases = (await api.call('listFailureCases', { query: { change: change?.id } })).items as FailureCase[]
  expect(cases.length).toBeGreaterThan(0)
  expect(cases.every((kept) => kept.label === 'negative' && kept.input.length > 0)).toBe(true)
  const events = (await api.call('listChangeEvents', { params: { change: change?.id ?? '' } }))
    .items as ChangeEvent[]
  expect(events.map((event) => event.type)).toEqual(
    expect.arrayContaining(['traffic-rolled-back', 'incident-opened']),
  )
})

test('a second installation on the same ports is told so, and nothing of it stays', async () => {
  const { code, err } = await installed.slipway('up', '--data', join(installed.folder, 'second'))
  expect(code).toBe(3)
  expect(err).toMatch(/Port \d+ on 127.0.0.1 is taken/)
})

test('down ends every process', async () => {
  const before = await installed.json<StatusReport>('status')
  expect(before.processes.every((process) => process.ready)).toBe(true)
  expect((await installed.slipway('down')).code).toBe(0)
  for (const { pid } of before.processes) expect(() => process.kill(pid ?? 0, 0), `process ${pid}`).toThrow()
})

function digitAfter(text: string, from: number): number {
  let at = from
  while (!/\d/.test(text[at] ?? '0')) at++
  return at
}
