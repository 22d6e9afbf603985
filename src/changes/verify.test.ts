import { fc, test as property } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../kernel/index.ts'
import { createChanges, verifyBundle } from './index.ts'
import { fakeJudge } from './testing/fake-lab.ts'
import { by, drive, openWorld, proposalOf, type World } from './testing/world.ts'

type Json = Record<string, unknown>
interface Written extends Json {
  change: Json & { verdict: Json; proposal: Json }
  evidence: (Json & { hash: string; check: string; raw: Json })[]
  events: (Json & { type: string; data: Json; hash: string; previousHash: string | null })[]
  signOffs: Json[]
  hash: string
}

let live: Written
let back: Written
const worlds: World[] = []

/** Two whole lives: one signed and gone live, one rolled back by the judge. */
beforeAll(async () => {
  live = await bundleOf({}, async (changes, world, id) => {
    const evidenceHash = (await world.store.changes.get(id)).verdict?.evidenceHash as string
    for (const name of ['bo', 'cy']) await changes.approve(id, { evidenceHash, note: `by ${name}` }, by(name))
  })
  back = await bundleOf({ fleet: { abortAtStep: 1 } })
})
afterAll(async () => {
  for (const { store } of worlds) await store.close()
})

async function bundleOf(
  scripts: Parameters<typeof openWorld>[0],
  sign?: (changes: ReturnType<typeof createChanges>, world: World, id: string) => Promise<void>,
): Promise<Written> {
  const world = await openWorld(scripts)
  worlds.push(world)
  const changes = createChanges(world.parts)
  const { id } = await changes.propose(
    proposalOf(sign === undefined ? {} : { risk: 'new-provider' }),
    by('ada'),
  )
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  await sign?.(changes, world, id)
  await drive(world, world.parts, id)
  return JSON.parse(JSON.stringify(await changes.bundle(id))) as Written
}

const verify = (bundle: unknown) => verifyBundle(bundle, fakeJudge)

/** All leaves, as paths. */
function leavesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]))
  return [path]
}

function altered(bundle: Written, path: readonly (string | number)[]): Written {
  const copy = structuredClone(bundle)
  let at = copy as unknown as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  const name = path.at(-1) as string | number
  at[name] = another(at[name])
  return copy
}

function another(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 1 : Number.isInteger(value) ? value + 1 : value * 1.5
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return 'something'
  // Another digest stays a digest, another word stays a word.
  const last = value.at(-1) ?? ''
  return value.slice(0, -1) + (last === '0' ? '1' : '0')
}

/** The hash at the top made anew: what somebody would do who changed the rest. */
function rehashed(bundle: Written): Written {
  const { hash: _, ...content } = bundle
  return { ...content, hash: digestOf(content) } as Written
}

/** Every hash made anew, inside too: evidence, what the log says of it, and the chain. */
function rechained(bundle: Written): Written {
  const copy = structuredClone(bundle)
  for (const evidence of copy.evidence) {
    const before = evidence.hash
    const { hash: _, ...content } = evidence
    evidence.hash = digestOf(content)
    for (const event of copy.events) if (event.data.evidence === before) event.data.evidence = evidence.hash
  }
  let previousHash: string | null = null
  for (const event of copy.events) {
    event.previousHash = previousHash
    const { hash: _, ...content } = event
    event.hash = previousHash = digestOf(content)
  }
  return rehashed(copy)
}

test('both lives verify, and go on doing so when every hash is made anew', () => {
  for (const bundle of [live, back]) {
    expect(verify(bundle)).toEqual({ ok: true, problems: [], open: [] })
    expect(verify(rechained(bundle))).toEqual({ ok: true, problems: [], open: [] })
  }
})

/** Of the second life only what the first one has not: the way back. */
const leaves = () => [
  ...leavesOf(live).map((path) => [live, path] as const),
  ...leavesOf(back)
    .filter(
      ([part, index]) => part === 'rollout' || part === 'change' || (part === 'events' && Number(index) > 18),
    )
    .map((path) => [back, path] as const),
]

test('whichever leaf is altered, it is noticed, also with a new hash at the top', () => {
  let count = 0
  for (const [bundle, path] of leaves()) {
    if (path[0] === 'hash') continue
    const label = path.join('.')
    // Without a new hash it is the top one that tells; that needs no proof for each leaf.
    if (count++ % 20 === 0) expect(verify(altered(bundle, path)).ok, label).toBe(false)
    expect(verify(rehashed(altered(bundle, path))).ok, `${label}, hashed anew`).toBe(false)
  }
  expect(count).toBeGreaterThan(500)
}, 120_000)

test('what is judged cannot be altered even by somebody who makes every hash anew', () => {
  const judged = leaves().filter(([, path]) => isJudged(path))
  expect(judged.length).toBeGreaterThan(200)
  for (const [bundle, path] of judged)
    expect(verify(rechained(altered(bundle, path))).ok, path.join('.')).toBe(false)
}, 120_000)

/** Measurements, judgements, verdict, signatures, versions, and what the log says of them. */
function isJudged(path: readonly (string | number)[]): boolean {
  const [part, index, field] = path
  if (part === 'evidence')
    return [
      'raw',
      'plan',
      'planHash',
      'measurements',
      'status',
      'summary',
      'details',
      'champion',
      'candidate',
      'change',
      'check',
    ].includes(String(field))
  if (part === 'change') return path[1] !== 'id'
  if (part === 'versions' || part === 'signOffs' || part === 'dataset' || part === 'model') return true
  return part === 'rollout' || part === 'looks' ? index !== undefined : false
}

function renumber(bundle: Written): void {
  for (const [index, event] of bundle.events.entries()) event.sequence = index
}

describe('who makes every hash anew is still caught when', () => {
  const event = (bundle: Written, type: string) =>
    bundle.events.find((one) => one.type === type) as Written['events'][number]
  test.each<[string, (bundle: Written) => void, RegExp]>([
    [
      'a measurement is made better',
      (b) => Object.assign((b.evidence[1]!.measurements as Json[])[0] as Json, { estimate: 0.5, upper: 0.6 }),
      /measurements of the accuracy evidence does not follow/,
    ],
    [
      'raw blocks are made better',
      (b) => (b.evidence[1]!.raw.gains = [0.5, 0.5, 0.5]),
      /accuracy evidence does not follow from its raw blocks/,
    ],
    [
      'the sentence is another',
      (b) => {
        b.change.verdict.sentence = 'ADOPT: everything is better.'
        ;(event(b, 'verdict-reached').data.verdict as Json).sentence = 'ADOPT: everything is better.'
      },
      /verdict's sentence does not follow/,
    ],
    [
      'a failed gate is said to pass',
      (b) => (event(b, 'gate-decided').data.reasons = ['looks fine']),
      /compatibility gate would decide otherwise/,
    ],
    [
      'a sign-off is left out',
      (b) => {
        b.events = b.events.filter(({ type, data }) => !(type === 'sign-off-given' && data.actor === 'bo'))
        renumber(b)
        b.signOffs = b.signOffs.filter(({ actor }) => actor !== 'bo')
      },
      /traffic moved without the sign-offs/,
    ],
    [
      'the author signs',
      (b) => {
        for (const one of b.events)
          if (one.data.actor === 'bo')
            Object.assign(one, { actor: 'bo', data: { ...one.data, key: 'key-ada' } })
        for (const one of b.signOffs) if (one.actor === 'bo') one.key = 'key-ada'
      },
      /traffic moved without the sign-offs/,
    ],
    ['an event is left out', (b) => void b.events.splice(2, 1), /has the sequence|began before its check/],
    [
      'two events change places',
      (b) => b.events.splice(1, 2, b.events[2]!, b.events[1]!),
      /has no check-started/,
    ],
    [
      'a check is left out',
      (b) => {
        b.events = b.events.filter(({ data }) => data.check !== 'cost' && data.gate !== 'cost')
        renumber(b)
        b.evidence = b.evidence.filter(({ check }) => check !== 'cost')
      },
      /went on before its checks were over/,
    ],
    [
      'evidence of another pair is put in',
      (b) => {
        for (const one of b.evidence) one.candidate = { label: 'v9', id: `sha256:${'9'.repeat(64)}` }
      },
      /was measured on another candidate/,
    ],
    [
      'the plan was made afterwards',
      (b) => {
        const cost = b.evidence.find(({ check }) => check === 'cost') as Json
        cost.plan = { ...(cost.plan as Json), margin: 0.5 }
        cost.planHash = digestOf(cost.plan)
      },
      /was not planned before it was measured/,
    ],
    [
      'the policy asks for less',
      (b) => {
        const policy = event(b, 'checking-started').data.policy as { tiers: Record<string, Json> }
        policy.tiers['new-provider']!.signOffs = 0
      },
      /evidenceHash does not follow|sign-off gate would decide otherwise/,
    ],
    [
      'the rollout forgets that it went back',
      (b) => Object.assign(b.rollout as Json, { state: 'rolled-back' }),
      /rollout was changed after the change was closed/,
    ],
    [
      'a guard promotes outside its margin',
      (b) => {
        const look = (b.looks as Json[])[0] as { guards: Json[] }
        look.guards[0]!.upper = 0.02
        const closed = event(b, 'change-closed').data
        closed.looks = digestOf(b.looks)
      },
      /errors is not within its margin/,
    ],
    [
      'nobody with deploy let traffic move',
      (b) => (event(b, 'checking-started').data.mayDeploy = false),
      /nobody who may deploy/,
    ],
    [
      'a read of held-out data is left out',
      (b) => {
        b.events = b.events.filter(({ type, data }) => type !== 'holdout-read' || data.check !== 'accuracy')
        renumber(b)
      },
      /accuracy check read held-out data without a record/,
    ],
    [
      'a read is said to be of other data',
      (b) => (event(b, 'holdout-read').data.digest = `sha256:${'1'.repeat(64)}`),
      /counts reads of other data/,
    ],
    [
      'a window of the canary has an error less',
      (b) => {
        const windows = b.windows as { rows: number[][] }
        windows.rows[0]![3]! -= 1
        event(b, 'change-closed').data.windows = digestOf(windows)
      },
      /look 0 does not follow from its windows/,
    ],
    [
      'a spec is another',
      (b) => Object.assign((b.versions as { candidate: { spec: Json } }).candidate.spec, { threads: 8 }),
      /candidate's spec is not the one/,
    ],
  ])('%s', (_, alter, problem) => {
    const copy = structuredClone(live)
    alter(copy)
    const { ok, problems } = verify(rechained(copy))
    expect(ok).toBe(false)
    expect(problems.join('\n')).toMatch(problem)
  })
})

property.prop([fc.jsonValue()])('whatever is handed in, it answers', (value) => {
  expect(verify(value).ok).toBe(false)
})

property.prop([fc.nat(), fc.jsonValue()], { numRuns: 200 })(
  'whatever stands in any place, it answers and does not throw',
  (pick, value) => {
    const paths = leavesOf(live)
    const path = paths[pick % paths.length] as (string | number)[]
    const copy = structuredClone(live)
    let at = copy as unknown as Record<string | number, unknown>
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
    const name = path.at(-1) as string | number
    fc.pre(JSON.stringify(at[name]) !== JSON.stringify(value))
    at[name] = value
    expect(verify(copy).ok).toBe(false)
    expect(verify(rechained(copy)).problems).toBeInstanceOf(Array)
  },
)
