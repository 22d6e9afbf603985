import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../kernel/index.ts'
import { quantile } from '../../stats/index.ts'
import { openLoad } from '../load/target-load.ts'
import { htmlTrial, markdownTrial } from '../report/trial-report.ts'
import { openTarget, readTargetAddress } from '../target/open-target.ts'
import type { Exchange } from '../target/target.ts'
import { scriptedTarget } from '../testing/scripted-target.ts'
import { type DelayLaw, normal, simulatedBlocks, simulatedTarget } from '../testing/simulated-target.ts'
import { simulatedWorld } from '../testing/simulation.ts'
import { sizeMatrix } from '../workload/asks.ts'
import { analyseTrial } from './analyse.ts'
import type { Block, HalfStep } from './block.ts'
import { evidenceHash, openEvidenceFile } from './evidence-file.ts'
import { measureTrial, offsetsOf } from './measure.ts'
import { failuresOf, valuesOf, withinObjective } from './metrics.ts'
import { fixedRules, sizesOf, type TrialPlan } from './plan.ts'
import { nextStep, rungsOf } from './sequence.ts'

function planFor(targets: string[], more: Partial<TrialPlan> = {}): TrialPlan {
  return {
    ...fixedRules,
    ...sizesOf('quick', targets.length === 2),
    targets,
    seed: 4,
    classes: sizeMatrix.slice(0, 1),
    rate: 100,
    shape: 'poisson',
    replayMs: null,
    halfMs: 1000,
    metric: 'e2e',
    margin: 0.1,
    slo: { ttftMs: null, e2eMs: 50 },
    timeoutMs: 1000,
    ...more,
  }
}

const never = new AbortController().signal

/** 100 requests/s for 60 s, 5 ms of service in turn, one stall of 3 s: from the intended start p99 is 2,705 ms. */
test('a stall is felt by every request that should have been sent during it', async () => {
  const world = simulatedWorld()
  let freeAtMs = 0
  const target = simulatedTarget(world, 't', (_, sentMs) => {
    const startMs = Math.max(sentMs, freeAtMs)
    freeAtMs = (startMs >= 20_000 && startMs < 23_000 ? 23_000 : startMs) + 5
    return [freeAtMs - sentMs]
  })
  const run = openLoad({
    target,
    clock: world.clock,
    timers: world.timers,
    signal: never,
    ask: () => ({ class: 'c', turns: [], outputTokens: 1 }),
    inspect: () => {},
    offsetsMs: Float64Array.from({ length: 6000 }, (_, index) => index * 10),
    spinMs: 1,
  })
  const sorted = valuesOf((await world.run(run)).rows, 'e2e')
  expect(sorted).toHaveLength(6000)
  expect(quantile(sorted, 0.5)).toBeLessThan(6)
  expect(Math.abs(quantile(sorted, 0.99) - 2705)).toBeLessThan(10)
})

test('a stall of the client itself is in the delays, and told as send lag', async () => {
  const world = simulatedWorld()
  world.at(500, () => world.block(300))
  const run = openLoad({
    target: simulatedTarget(world, 't', () => [5]),
    clock: world.clock,
    timers: world.timers,
    signal: never,
    ask: () => ({ class: 'c', turns: [], outputTokens: 1 }),
    inspect: () => {},
    offsetsMs: Float64Array.from({ length: 100 }, (_, index) => index * 10),
    spinMs: 1,
  })
  const { rows } = await world.run(run)
  const [worst] = [...rows].sort((left, right) => right.sentMs - left.sentMs)
  expect(Math.abs(worst!.sentMs - 290)).toBeLessThan(12)
  expect(worst!.endMs).toBeCloseTo(worst!.sentMs + 5, 1)
})

describe('the interval, on laws with a known truth', () => {
  const logNormal =
    (ratio: number): DelayLaw =>
    (target, random) =>
      20 * Math.exp(0.4 * normal(random)) * (target === 1 ? ratio : 1)
  const bimodal =
    (ratio: number): DelayLaw =>
    (target, random) =>
      (random() < 0.2 ? 60 : 10) * Math.exp(0.2 * normal(random)) * (target === 1 ? ratio : 1)
  const RUNS = 300

  /** Binomial spread of 300 runs at .95: 2.6 standard errors below is .917. */
  test.each([
    ['log-normal, equal', logNormal(1), 1],
    ['log-normal, 20 % slower', logNormal(1.2), 1.2],
    ['bimodal, equal', bimodal(1), 1],
    ['bimodal, 20 % slower', bimodal(1.2), 1.2],
  ])('%s: holds the truth in 95 % of runs', (_, law, ratio) => {
    const plan = planFor(['a', 'b'], {
      aaPairs: 2,
      ladder: { ...sizesOf('quick', true).ladder, concurrencies: [1] },
    })
    let held = 0
    for (let seed = 0; seed < RUNS; seed++) {
      const { comparison } = analyseTrial(plan, simulatedBlocks(plan, law, 0.03, seededRandom(seed)))
      if (comparison!.lower! <= ratio - 1 && comparison!.upper! >= ratio - 1) held++
    }
    expect(held / RUNS).toBeGreaterThan(0.917)
  })
})

describe('a verdict', () => {
  const constant =
    (ratio: number): DelayLaw =>
    (target, random) =>
      20 * Math.exp(0.02 * normal(random)) * (target === 1 ? ratio : 1)
  const judged = (law: DelayLaw, more: Partial<TrialPlan> = {}, lagMs = 0.2) => {
    const plan = planFor(['a', 'b'], more)
    return analyseTrial(plan, simulatedBlocks(plan, law, 0.01, seededRandom(1), lagMs))
  }

  test.each([
    [1, 'pass'],
    [0.7, 'pass'],
    [1.5, 'fail'],
  ])('B takes %f times as long: %s', (ratio, status) => {
    expect(judged(constant(ratio)).status).toBe(status)
  })

  test('a client that was late makes it invalid, never slow', () => {
    const reading = judged(constant(3), {}, 40)
    expect(reading.status).toBe('invalid')
    expect(reading.summary).toMatch(/send lag p99 40.0 ms.*lower --rate/)
  })

  test('blocks that are missing make it invalid', () => {
    const plan = planFor(['a', 'b'])
    const blocks = simulatedBlocks(plan, constant(1), 0.01, seededRandom(1))
    const reading = analyseTrial(plan, blocks.slice(0, -1))
    expect(reading.status).toBe('invalid')
    expect(reading.summary).toContain('run it again to go on')
  })

  test('a percentile below its floor is not printed but told what it needs', () => {
    const { targets } = judged(constant(1))
    const [p99, p999] = targets[0]!.metrics.e2e.slice(-2)
    expect(p99).toMatchObject({ p: 0.99, n: 600, needs: 368 })
    expect(p99!.valueMs).toBeGreaterThan(0)
    expect(p999).toMatchObject({ p: 0.999, needs: 3688, valueMs: null })
  })

  test('the load is 65 % of the lower knee where none is given', () => {
    const reading = judged(constant(1), { rate: null })
    const knee = Math.min(...reading.targets.map(({ kneePerSecond }) => kneePerSecond!))
    expect(reading.ratePerSecond).toBeCloseTo(0.65 * knee, 2)
  })
})

test('failures are counted by kind, censor the delays and lower goodput of all offered', () => {
  const plan = planFor(['a'])
  const [block] = simulatedBlocks(plan, () => 20, 0, seededRandom(1))
  const rows = block!.rows.map((row, index) =>
    index % 4 === 0
      ? { ...row, failure: 'status' as const, status: 503, firstMs: null }
      : { ...row, endMs: index < 40 ? 20 : 90 },
  )
  expect(failuresOf(rows)).toEqual({ 'status 503': 20 })
  expect(quantile(valuesOf(rows, 'e2e'), 0.9)).toBe(Number.POSITIVE_INFINITY)
  expect(withinObjective(rows, plan.slo)).toBe(30)
})

describe('measuring', () => {
  const cut = { ...sizesOf('quick', false).ladder, concurrencies: [1, 2], rungMs: 100 }
  const small = { ladder: cut, halfMs: 500, pairs: 2, sparePairs: 0 }
  const measure = (
    answer: Parameters<typeof simulatedTarget>[2],
    finished: Block[] = [],
    keep: (block: Block) => Promise<void> = async () => {},
  ) => {
    const world = simulatedWorld()
    return world.run(
      measureTrial({
        plan: planFor(['t'], small),
        targets: [simulatedTarget(world, 't', answer)],
        clock: world.clock,
        timers: world.timers,
        signal: never,
        finished,
        keep,
        onStep: () => {},
      }),
    )
  }

  test('climbs, then sends in open loop what was planned', async () => {
    const blocks = await measure(() => [5])
    expect(blocks.map(({ step }) => step.kind)).toEqual(['rung', 'rung', 'half', 'half'])
    expect(rungsOf(blocks)[1]!.goodPerSecond).toBeGreaterThan(300)
    expect(analyseTrial(planFor(['t'], small), blocks).status).toBe('measured')
  })

  test('goes on from the blocks it has', async () => {
    const whole = await measure(() => [5])
    const added: Block[] = []
    const resumed = await measure(
      () => [5],
      whole.slice(0, 3),
      async (block) => void added.push(block),
    )
    expect(added.map(({ step }) => step)).toEqual([whole[3]!.step])
    expect(resumed[3]!.rows.map(({ atMs }) => Math.round(atMs))).toEqual(
      whole[3]!.rows.map(({ atMs }) => Math.round(atMs)),
    )
  })

  const refused = (status: number): Partial<Exchange> => ({
    status,
    failure: 'status',
    reason: `it answers ${status}`,
    contentMs: [],
  })
  const worksFor = (good: number, more: Partial<Exchange>) => (index: number) =>
    index < good ? ([5, { answeredBy: 'v1' }] as const) : ([5, more] as const)
  test.each<[string, Parameters<typeof simulatedTarget>[2], RegExp, RegExp]>([
    [
      'down',
      worksFor(0, { status: 0, failure: 'unreachable', reason: 'ECONNREFUSED' }),
      /ECONNREFUSED/,
      /address/,
    ],
    [
      'dies',
      worksFor(30, { status: 0, failure: 'unreachable', reason: 'ECONNREFUSED' }),
      /last 20 requests/,
      /still runs/,
    ],
    ['401', worksFor(0, refused(401)), /does not accept the key/, /--key-env/],
    ['429 at once', worksFor(0, refused(429)), /very first request/, /--rate/],
    ['429 later', worksFor(30, refused(429)), /limits the rate: 6 of/, /--rate/],
    ['500', worksFor(0, refused(500)), /answers 500/, /log of the target/],
    ['404', worksFor(0, refused(404)), /path or the model/, /after #/],
    [
      'garbage',
      worksFor(0, { failure: 'garbage', reason: 'its answer is not JSON' }),
      /not JSON/,
      /kind before the \+/,
    ],
    [
      'changes version',
      worksFor(30, { answeredBy: 'v2' }),
      /v1 answered at first, and now v2/,
      /Pin one version/,
    ],
  ])('%s: says what and what to do', async (_, answer, what, toDo) => {
    const error = await measure(answer).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'target_failed' })
    expect((error as Error).message).toMatch(what)
    expect((error as { hint: string }).hint).toMatch(toDo)
  })
})

test('on real sockets every request of every block is answered in pieces, to the same plan again', async () => {
  const server = await scriptedTarget({ delayMs: () => 2, pieces: 4 })
  const plan = planFor(['t'], {
    ladder: { ...sizesOf('quick', false).ladder, concurrencies: [2], leastRequests: 6, rungMs: 10 },
    halfMs: 300,
    pairs: 1,
    sparePairs: 0,
  })
  const options = { timeoutMs: 5000, connections: 8, key: undefined, headers: {}, body: null, exact: true }
  const address = readTargetAddress(`openai+${server.url}/v1#m`)
  const target = openTarget(address, { ...options, clock: systemClock })
  const blocks = await measureTrial({
    plan,
    targets: [target],
    clock: systemClock,
    signal: never,
    finished: [],
    keep: async () => {},
    onStep: () => {},
  })
  await Promise.all([target.close(), server.close()])
  expect(blocks.map(({ step }) => step.kind)).toEqual(['rung', 'half'])
  for (const { rows } of blocks)
    for (const row of rows) {
      expect(row).toMatchObject({ failure: null, inputTokens: 11, outputTokens: 4 })
      expect(row.gapsMs).toHaveLength(3)
      expect(
        row.sentMs <= row.firstByteMs! && row.firstByteMs! <= row.firstMs! && row.firstMs! <= row.endMs,
      ).toBe(true)
    }
  expect(blocks[1]!.rows).toHaveLength(offsetsOf(plan, blocks[1]!.step as HalfStep).length)
  expect(JSON.parse(server.requests[0]!.body)).toMatchObject({
    ignore_eos: true,
    min_tokens: 64,
    max_tokens: 64,
  })
})

describe('the evidence file', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trial-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const plan = planFor(['a'])
  const blocks = simulatedBlocks(plan, () => 20, 0.01, seededRandom(1))

  test('read again it gives the same blocks, and a line cut off is measured anew', async () => {
    const path = join(folder, 'whole.jsonl')
    const file = await openEvidenceFile(path, plan)
    for (const block of blocks) await file.keep(block)
    expect(evidenceHash(plan, (await openEvidenceFile(path, plan)).finished)).toBe(evidenceHash(plan, blocks))
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.slice(0, -30))
    const cut = await openEvidenceFile(path, plan)
    expect(cut.finished).toHaveLength(blocks.length - 1)
    await cut.keep(blocks.at(-1)!)
    expect(evidenceHash(plan, (await openEvidenceFile(path, plan)).finished)).toBe(evidenceHash(plan, blocks))
  })

  test.each([
    [
      'another plan',
      (text: string) => text.replace('"seed":4', '"seed":5'),
      ':1: it holds the blocks of another plan',
    ],
    ['a damaged block', (text: string) => text.replace('"rows":[', '"lines":['), ':2: it is no block'],
  ])('%s is refused with its line', async (_, damage, told) => {
    const path = join(folder, 'bad.jsonl')
    await writeFile(path, damage(`${JSON.stringify({ plan })}\n${JSON.stringify(blocks[0])}\n`))
    await expect(openEvidenceFile(path, plan)).rejects.toThrow(told)
  })
})

test('the report shows every picture that its blocks allow, and escapes what targets are called', () => {
  const plan = planFor(['<a>', 'b|c'], { classes: [...sizeMatrix], cellRequests: 36 })
  const blocks = simulatedBlocks(plan, (_, random) => 20 + random(), 0.01, seededRandom(1))
  expect(nextStep(plan, blocks)).toBeNull()
  const reading = analyseTrial(plan, blocks)
  const html = htmlTrial(plan, blocks, reading, 'sha256:x')
  for (const title of [
    'Ladder: p95',
    'Share answered',
    'Difference of quantiles',
    'Each request',
    'Size matrix',
  ])
    expect(html).toContain(`<title>${title}`)
  expect(html).not.toContain('<a>')
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
  expect(markdownTrial(plan, reading, 'sha256:x')).toContain('b\\|c')
})
