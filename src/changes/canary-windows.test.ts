import { fc, test as property } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rollout, RolloutLook } from '../contracts/index.ts'
import { createRolloutWorld, type RolloutWorld } from '../fleet/testing.ts'
import { digestOf } from '../kernel/index.ts'
import type { Bundle } from './bundle.ts'
import { canaryWindowsOf, lookAgain } from './canary-windows.ts'
import { createChanges, verifyBundle } from './index.ts'
import { windowOf } from './testing/fake-fleet.ts'
import { fakeJudge } from './testing/fake-lab.ts'
import { by, drive, MODEL, openWorld, proposalOf, type World } from './testing/world.ts'
import { verifyWindows } from './verify-windows.ts'

let world: World
let bundle: Bundle
let rollout: Rollout
let looks: RolloutLook[]

beforeAll(async () => {
  world = await openWorld()
  const changes = createChanges(world.parts)
  const { id } = await changes.propose(proposalOf(), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  bundle = await changes.bundle(id)
  rollout = bundle.rollout as Rollout
  looks = bundle.looks
})
afterAll(() => world.store.close())

/** As somebody would leave it who made every hash anew: nothing is sealed any more. */
const unsealed = (change: (copy: Bundle) => void): Bundle => {
  const copy = structuredClone(bundle)
  copy.events = copy.events.filter(({ type }) => type !== 'change-closed')
  change(copy)
  return copy
}
const rowsOf = ({ windows }: Bundle) => windows?.rows as number[][]

test('every look follows from the windows, to the last digit', () => {
  expect(looks.length).toBe(2)
  expect(rowsOf(bundle).length).toBe(14)
  expect(verifyWindows(bundle)).toEqual({ problems: [], open: [] })
})

property.prop([fc.nat(), fc.nat(), fc.integer({ min: 1, max: 50 }), fc.boolean()])(
  'whichever count of whichever window is altered, it is found, hashes or not',
  (pickRow, pickCount, by, isMore) => {
    const altered = unsealed((copy) => {
      const rows = rowsOf(copy)
      const row = rows[pickRow % rows.length] as number[]
      const index = 1 + (pickCount % (row.length - 1))
      row[index] = Math.max(0, (row[index] as number) + (isMore ? by : -by))
      fc.pre(JSON.stringify(rows) !== JSON.stringify(rowsOf(bundle)))
    })
    expect(verifyWindows(altered).problems).not.toEqual([])
  },
)

test.each<[string, (copy: Bundle) => void, RegExp]>([
  ['a window is left out', (copy) => void rowsOf(copy).splice(3, 1), /does not follow from its windows/],
  ['a window is moved', (copy) => (rowsOf(copy)[13]![0]! += 600_000), /does not follow/],
  ['two windows change places', (copy) => void rowsOf(copy).reverse(), /out of order/],
  ['a bound is another', (copy) => (copy.looks[1]!.guards[0]!.upper! -= 1e-6), /errors has another upper/],
  [
    'a difference is another',
    (copy) => (copy.looks[0]!.guards[0]!.difference! += 1e-6),
    /another difference/,
  ],
  [
    'a decision is another',
    (copy) => (copy.looks[0]!.guards[0]!.decision = 'continue'),
    /would decide promote/,
  ],
  [
    'the newest window is another',
    (copy) => (copy.looks[0]!.windowEndMs -= 1000),
    /newest window is another/,
  ],
  [
    'a look is said to be late, and is not',
    (copy) => copy.windows!.unmatched.push({ look: 0, why: 'late' }),
    /look 0 is said to be late, and is not/,
  ],
  [
    'a guard is left out of a look',
    (copy) => void copy.rollout!.guards.push({ ...copy.rollout!.guards[0]!, name: 'timeouts' }),
    /another plan|timeouts is missing/,
  ],
  ['the law is made laxer', (copy) => (copy.rollout!.plan.alphaPromote = 0.2), /another upper/],
])('%s, and is found without any hash', (_, alter, problem) => {
  expect(verifyWindows(unsealed(alter)).problems.join('\n')).toMatch(problem)
})

test('windows that were altered after the change was closed are found by the seal', () => {
  const copy = structuredClone(bundle)
  copy.windows = { ...copy.windows!, rows: [] }
  expect(verifyWindows(copy).problems).toContain('the windows were changed after the change was closed')
})

test('a bundle without its windows says which looks are not proven, and does not pass in silence', async () => {
  const { hash: _, ...rest } = { ...bundle, windows: null }
  const { ok, open } = verifyBundle({ ...rest, hash: digestOf(rest) }, fakeJudge)
  expect(ok).toBe(true)
  expect(open).toEqual(['looks 0–1: the windows are not in the bundle'])
})

const storeWith = (change: (windows: ReturnType<typeof windowOf>[]) => ReturnType<typeof windowOf>[]) => ({
  store: {
    windows: {
      ...world.store.windows,
      list: async (filter: Parameters<World['store']['windows']['list']>[0]) =>
        change(await world.store.windows.list(filter)),
    },
  },
})

test('telemetry that came after a look is told, and what is told is checked', async () => {
  const late = storeWith((windows) =>
    windows.map((window, index) => (index === 0 ? { ...window, requests: window.requests + 7 } : window)),
  )
  const windows = await canaryWindowsOf(late, rollout, looks)
  expect(windows.unmatched).toEqual([
    { look: 0, why: 'late' },
    { look: 1, why: 'late' },
  ])
  const found = verifyWindows(unsealed((copy) => (copy.windows = windows)))
  expect(found.problems).toEqual([])
  expect(found.open.join()).toMatch(/looks 0–1: telemetry of their windows came in after/)
})

test('windows that are no longer kept are told', async () => {
  const fromMs = rowsOf(bundle)[4]![0]!
  const gone = storeWith((windows) => windows.filter(({ startMs }) => startMs >= fromMs))
  const windows = await canaryWindowsOf(gone, rollout, looks)
  const found = verifyWindows(unsealed((copy) => (copy.windows = windows)))
  expect(found).toEqual({ problems: [], open: ['looks 0–1: some of their windows were no longer kept'] })
})

test('of a long canary the newest windows are kept, the older ones summed, and the looks among them told', async () => {
  const windows = await canaryWindowsOf({ store: world.store }, rollout, looks, 1)
  expect(windows.rows.length).toBe(1)
  expect(windows.folded?.sums.errors?.windows).toBe(13)
  const found = verifyWindows(unsealed((copy) => (copy.windows = windows)))
  expect(found).toEqual({ problems: [], open: [] })
  const all = await canaryWindowsOf({ store: world.store }, rollout, looks, 0)
  const told = verifyWindows(unsealed((copy) => (copy.windows = all)))
  expect(told.open).toEqual(['look 0: they lie before the newest windows that a bundle holds'])
})

describe('of a canary that the real judge took through all steps', () => {
  let canary: RolloutWorld
  let told: { rollout: Rollout; looks: RolloutLook[] }
  beforeAll(async () => {
    canary = await createRolloutWorld({ plan: { windowMs: 2_000 } })
    await canary.start()
    await canary.seconds(40)
    canary.restartControl()
    await canary.until(['done'], 1_500)
    told = { rollout: await canary.rollout(), looks: await canary.looks() }
  })
  const windowsOf = (most: number) => {
    const list = async ({ versions = [], ...rest }: Parameters<World['store']['windows']['list']>[0]) =>
      canary.traffic.windows({ versions, ...rest })
    const store = { windows: { list, merge: async () => undefined } }
    return canaryWindowsOf({ store }, told.rollout, told.looks, most)
  }
  const lawful = () => told.looks.filter((look) => look.sharePercent < 100)
  const verdictOn = (windows: Bundle['windows']) => verifyWindows({ ...bundle, ...told, windows, events: [] })

  test('every look below 100 % is computed again, the others are told', async () => {
    const windows = await windowsOf(20_000)
    expect(lawful().length).toBeGreaterThan(100)
    expect(windows.unmatched).toEqual([])
    const { problems, open } = verdictOn(windows)
    expect(problems).toEqual([])
    expect(open.join()).toMatch(/^looks? .*: at 100 % nothing is compared/)
  })

  test('also after older windows were summed, more than once', async () => {
    const windows = await windowsOf(20)
    expect([windows.rows.length, windows.unmatched]).toEqual([20, []])
    const { problems, open } = verdictOn(windows)
    expect(problems).toEqual([])
    expect(open.length).toBe(2)
    expect(lookAgain(told.rollout, told.looks, windows).at(-1)?.again).toEqual({ kind: 'same' })
  })
})

test('what telemetry takes in after the end changes nothing of what was sealed', async () => {
  await world.store.windows.merge([windowOf(MODEL, 'v2', rowsOf(bundle)[0]![0]!, 3)])
  const again = await createChanges(world.parts).bundle(bundle.change.id)
  expect(again.windows).toEqual(bundle.windows)
  expect(verifyBundle(again, fakeJudge)).toEqual({ ok: true, problems: [], open: [] })
})
