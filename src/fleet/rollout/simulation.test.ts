import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Rollout } from '../../contracts/index.ts'
import { SlipwayError, silentLogger } from '../../kernel/index.ts'
import { createFleet } from '../create-fleet.ts'
import type { Fleet, ReplicaBackend } from '../fleet.ts'
import { createFakeBackend } from '../testing/fake-backend.ts'
import { createMemoryStore } from '../testing/memory-store.ts'
import { defaultPlan } from '../testing/rollout-world.ts'
import { createSimulatedTraffic } from '../testing/simulated-traffic.ts'
import { createVirtualClock } from '../testing/virtual-clock.ts'

const MODEL = 'spam'
const plan = { ...defaultPlan, steps: [10, 50, 100], guards: ['errors' as const], scaleDownDelayMs: 15_000 }

type Trouble =
  | 'kill champion'
  | 'kill candidate'
  | 'restart control'
  | 'store fails'
  | 'telemetry is late'
  | 'pause'
const troubles = fc.array(
  fc.record({
    second: fc.nat(90),
    what: fc.constantFrom<Trouble>(
      'kill champion',
      'kill candidate',
      'restart control',
      'store fails',
      'telemetry is late',
      'pause',
    ),
  }),
  { maxLength: 8 },
)

/** Reconciler, traffic and judge together, over replicas that die, a control process that restarts, a store that fails. */
async function live(
  seed: number,
  candidateErrorRate: number,
  events: readonly { second: number; what: Trouble }[],
) {
  const clock = createVirtualClock()
  const store = createMemoryStore(clock)
  const replicas = createFakeBackend({ clock })
  const broken: string[] = []
  const readyOf = async (label: string) =>
    (await replicas.list()).filter(
      (each) => each.label === label && each.alive && each.status.phase === 'ready',
    )
  let readyCount: Record<string, number> = {}
  const traffic = createSimulatedTraffic({
    clock,
    model: MODEL,
    seed,
    requestsPerSecond: 400,
    behaviour: (version) => {
      if ((readyCount[version] ?? 0) === 0) return { errorRate: 1 }
      return { errorRate: version === 'v2' ? candidateErrorRate : 0.01 }
    },
  })
  let rolloutId = ''
  const backend: ReplicaBackend = {
    ...replicas,
    async start(spec) {
      await replicas.start(spec)
      void clock.sleep(300).then(() => replicas.becomeReady(spec.replicaId))
    },
    async stop(replicaId) {
      const leaving = (await replicas.list()).find((each) => each.replicaId === replicaId)
      const isServing = leaving?.alive === true && leaving.status.phase === 'ready'
      const share = (await store.traffic.get(MODEL))?.shares[leaving?.label ?? ''] ?? 0
      if (isServing && share > 0) broken.push(`${leaving.label} lost a replica while it had ${share} %`)
      const isWatched = rolloutId !== '' && leaving?.label === 'v1'
      const waitedMs = clock.nowMs() - ((await store.traffic.get(MODEL))?.updatedAt ?? 0)
      if (isServing && isWatched && waitedMs < plan.scaleDownDelayMs)
        broken.push('the champion was let go before the delay')
      await replicas.stop(replicaId)
    },
  }
  const control = (): Fleet =>
    createFleet({ store, backend, windowSource: traffic, clock, logger: silentLogger() })
  store.addModel(MODEL, ['v1', 'v2'])
  let fleet = control()
  for (const version of ['v1', 'v2'])
    await fleet.deploy({ model: MODEL, version, replicas: 2, gpuType: null, trafficPercent: 0 })
  await clock.advance(3_000)
  const { id } = await fleet.rollouts.start({
    model: MODEL,
    champion: 'v1',
    candidate: 'v2',
    plan,
    changeId: null,
  })

  rolloutId = id

  async function cause(what: Trouble): Promise<void> {
    if (what === 'kill champion' || what === 'kill candidate') {
      const [victim] = await readyOf(what === 'kill champion' ? 'v1' : 'v2')
      if (victim !== undefined) replicas.kill(victim.replicaId)
    } else if (what === 'restart control') {
      const old = fleet
      fleet = control()
      await Promise.all([old.close(), clock.advance(1)])
    } else if (what === 'store fails') {
      let left = 2
      store.onWrite = () => {
        if (left-- > 0) throw new SlipwayError('store_unavailable', { reason: 'the disk is full' })
      }
    } else if (what === 'telemetry is late') traffic.isTelling = false
    else await fleet.rollouts.pause(id, 'lunch').catch(() => undefined)
  }

  let seenSplits = store.splits.length
  for (let second = 0; second < 600; second++) {
    readyCount = { v1: (await readyOf('v1')).length, v2: (await readyOf('v2')).length }
    for (const split of store.splits.slice(seenSplits))
      for (const [version, share] of Object.entries(split.shares))
        if (share > 0 && version === 'v2' && readyCount[version] === 0)
          broken.push(`${version} was given ${share} % and had no ready replica`)
    seenSplits = store.splits.length
    for (const { what } of events.filter((each) => each.second === second)) await cause(what)
    const shares = (await store.traffic.get(MODEL))?.shares ?? {}
    await clock.advance(1_000)
    traffic.second(shares)
    if (second % 10 === 9) traffic.isTelling = true
    const rollout = (await store.rollouts.get(id)) as Rollout
    if (rollout.state === 'paused' && rollout.reason === 'manual: lunch' && second % 20 === 19)
      await fleet.rollouts.resume(id).catch(() => undefined)
    const decidedMs = rollout.state === 'aborting' ? clock.nowMs() - rollout.stepStartedAt : 0
    if (decidedMs > 8_000 && (await store.traffic.get(MODEL))?.shares.v1 !== 100)
      broken.push(`still not back ${decidedMs} ms after the decision`)
    if (rollout.finishedAt !== null) break
  }
  await clock.advance(40_000)
  const rollout = (await store.rollouts.get(id)) as Rollout
  const ready = { v1: (await readyOf('v1')).length, v2: (await readyOf('v2')).length }
  const shares = (await store.traffic.get(MODEL))?.shares
  await Promise.race([fleet.close(), clock.advance(3_000)])
  return { state: rollout.state, reason: rollout.reason, shares, ready, broken }
}

const won = { state: 'done', shares: { v2: 100 }, ready: { v1: 0, v2: 2 } }
const lost = { state: 'rolled-back', shares: { v1: 100 }, ready: { v1: 2, v2: 0 } }

describe('a rollout, whatever else happens', () => {
  test.prop([fc.integer({ min: 1, max: 1e6 }), troubles], { numRuns: 25 })(
    'of a candidate that is worse ends where it began',
    async (seed, events) => {
      const { broken, reason, ...end } = await live(seed, 0.08, events)
      expect(broken).toEqual([])
      expect(end, String(reason)).toEqual(lost)
    },
    120_000,
  )

  test.prop([fc.integer({ min: 1, max: 1e6 }), troubles], { numRuns: 25 })(
    'of one that is as good ends with one version whole, the other one gone',
    async (seed, events) => {
      const { broken, reason, ...end } = await live(seed, 0.01, events)
      expect(broken).toEqual([])
      // Replicas that were killed cost the candidate real errors, so going back may be right.
      expect([won, lost], String(reason)).toContainEqual(end)
      if (!events.some((each) => each.what.startsWith('kill'))) expect(end, String(reason)).toEqual(won)
    },
    120_000,
  )
})
