import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Snapshot } from '../../contracts/index.ts'
import { SlipwayError, silentLogger } from '../../kernel/index.ts'
import { createFleet } from '../create-fleet.ts'
import type { Fleet, ReplicaBackend } from '../fleet.ts'
import { createFakeBackend, type FakeBackend } from '../testing/fake-backend.ts'
import { createMemoryStore, type MemoryStore } from '../testing/memory-store.ts'
import { createVirtualClock, type VirtualClock } from '../testing/virtual-clock.ts'
import { defaultTimings } from './decide.ts'

const MODEL = 'spam'
const LABELS = ['v1', 'v2', 'broken'] as const
const READY_AFTER_MS = 300

type Step =
  | { do: 'deploy'; label: (typeof LABELS)[number]; replicas: number }
  | { do: 'scale'; label: (typeof LABELS)[number]; replicas: number }
  | { do: 'stop'; label: (typeof LABELS)[number] }
  | { do: 'split'; v1: number }
  | { do: 'kill'; nth: number }
  | { do: 'restart-control' }
  | { do: 'store-fails'; writes: number }
  | { do: 'wait'; ms: number }

const label = fc.constantFrom(...LABELS)
const replicas = fc.integer({ min: 1, max: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('deploy' as const), label, replicas }),
  fc.record({ do: fc.constant('scale' as const), label, replicas: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ do: fc.constant('stop' as const), label }),
  fc.record({ do: fc.constant('split' as const), v1: fc.constantFrom(0, 1, 25, 50, 100) }),
  fc.record({ do: fc.constant('kill' as const), nth: fc.nat(6) }),
  fc.record({ do: fc.constant('restart-control' as const) }),
  fc.record({ do: fc.constant('store-fails' as const), writes: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(5, 30, 200, 900, 1_500, 4_000) }),
)
const steps = fc.array(step, { minLength: 5, maxLength: 40 })

/** One control process after the other over the same store and the same replicas. */
class World {
  readonly clock: VirtualClock = createVirtualClock()
  readonly store: MemoryStore = createMemoryStore(this.clock)
  readonly replicas: FakeBackend = createFakeBackend({ clock: this.clock })
  readonly broken: string[] = []
  fleet: Fleet
  /** When gateways were first told to leave a replica alone, by the snapshots that they got. */
  readonly markedAtMs = new Map<string, number>()
  snapshot: Snapshot | undefined
  /** When every gateway has surely come back to the control process of now. */
  heardFromMs = 0
  /** How long control waits for the deployments. */
  readDelayMs = 0

  constructor() {
    const { list } = this.store.deployments
    this.store.deployments.list = async (filter) => {
      if (this.readDelayMs > 0) await this.clock.sleep(this.readDelayMs)
      return list(filter)
    }
    this.store.addModel(MODEL, LABELS)
    this.fleet = this.startControl()
  }

  startControl(): Fleet {
    const fleet = createFleet({
      store: this.store,
      backend: this.backend(),
      windowSource: { windows: async () => [], recentRate: () => 0 },
      clock: this.clock,
      logger: silentLogger(),
    })
    fleet.onSnapshot((snapshot) => this.hear(snapshot))
    return fleet
  }

  /** The replicas as a control process sees them; each stop is held to the invariants. */
  backend(): ReplicaBackend {
    return {
      ...this.replicas,
      start: async (spec) => {
        await this.replicas.start(spec)
        void this.clock.sleep(READY_AFTER_MS).then(() => {
          if (spec.label === 'broken') this.replicas.fail(spec.replicaId, 'artifact_unreadable')
          else this.replicas.becomeReady(spec.replicaId)
        })
      },
      stop: async (replicaId) => {
        await this.checkStop(replicaId)
        await this.replicas.stop(replicaId)
      },
    }
  }

  async checkStop(replicaId: string): Promise<void> {
    const all = await this.replicas.list()
    const leaving = all.find((replica) => replica.replicaId === replicaId)
    if (leaving === undefined || !leaving.alive || leaving.status.phase !== 'ready') return
    const markedMs = this.markedAtMs.get(replicaId)
    if (markedMs === undefined || this.clock.nowMs() - markedMs < defaultTimings.noticeMs - 50)
      this.broken.push(`${replicaId} was stopped before gateways had time to leave it`)
    if (this.clock.nowMs() < this.heardFromMs)
      this.broken.push(`${replicaId} was stopped before gateways had time to find the new control`)
    const share = (await this.store.traffic.get(MODEL))?.shares[leaving.label] ?? 0
    const wanted = (await this.store.deployments.find(MODEL, leaving.label))?.replicas ?? 0
    const stay = all.filter(
      (each) =>
        each.label === leaving.label &&
        each.replicaId !== replicaId &&
        each.alive &&
        each.status.phase === 'ready' &&
        !this.markedAtMs.has(each.replicaId),
    ).length
    if (share > 0 && stay < Math.max(1, wanted))
      this.broken.push(`${leaving.label} has ${share} % and was left with ${stay} of ${wanted} replicas`)
  }

  hear(snapshot: Snapshot): void {
    if (this.snapshot !== undefined && snapshot.revision <= this.snapshot.revision)
      this.broken.push(`revision ${snapshot.revision} came after ${this.snapshot.revision}`)
    this.snapshot = snapshot
    const named = snapshot.models.flatMap((model) => model.versions).flatMap((version) => version.replicas)
    for (const replica of named) {
      if (replica.draining && !this.markedAtMs.has(replica.id))
        this.markedAtMs.set(replica.id, this.clock.nowMs())
      if (!replica.draining) this.markedAtMs.delete(replica.id)
    }
  }

  async perform(action: Step): Promise<void> {
    const { fleet } = this
    switch (action.do) {
      case 'deploy':
        await allowed(
          fleet.deploy({
            model: MODEL,
            version: action.label,
            replicas: action.replicas,
            gpuType: null,
            trafficPercent: 0,
          }),
        )
        return
      case 'scale':
        await allowed(fleet.scale(MODEL, action.label, action.replicas))
        return
      case 'stop':
        await allowed(fleet.stop(MODEL, action.label))
        return
      case 'split':
        await this.split({ v1: action.v1, v2: 100 - action.v1 })
        return
      case 'kill': {
        const ready = (await this.replicas.list()).filter(
          (each) => each.alive && each.status.phase === 'ready',
        )
        const victim = ready[action.nth]
        if (victim !== undefined) this.replicas.kill(victim.replicaId)
        return
      }
      case 'restart-control': {
        const old = fleet
        this.fleet = this.startControl()
        await old.close()
        // A gateway waits 5 s between two tries, and half of that more by jitter.
        if ((await this.replicas.list()).length > 0) this.heardFromMs = this.clock.nowMs() + 7_500
        return
      }
      case 'store-fails': {
        let left = action.writes
        this.store.onWrite = () => {
          if (left-- > 0) throw new SlipwayError('store_unavailable', { reason: 'the disk is full' })
        }
        return
      }
      case 'wait':
        await this.clock.advance(action.ms)
    }
  }

  async split(shares: Record<string, number>): Promise<void> {
    const before = await this.store.traffic.get(MODEL)
    await allowed(this.fleet.setTraffic(MODEL, shares, 'person'))
    const after = await this.store.traffic.get(MODEL)
    if (after === undefined || after === before) return
    for (const [version, share] of Object.entries(after.shares)) {
      const ready = (await this.replicas.list()).filter(
        (each) => each.label === version && each.alive && each.status.phase === 'ready',
      )
      if (share > (before?.shares[version] ?? 0) && ready.length === 0)
        this.broken.push(`${version} was given ${share} % without a ready replica`)
    }
  }

  async outcome() {
    const running = (await this.replicas.list()).filter((replica) => replica.alive)
    const rows = await this.store.deployments.list({ includeStopped: true })
    return Object.fromEntries(
      rows.map((row) => [
        row.version,
        {
          status: row.status,
          ready: running.filter((each) => each.label === row.version && each.status.phase === 'ready').length,
          wanted: row.status === 'active' ? row.replicas : 0,
        },
      ]),
    )
  }
}

async function allowed(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof SlipwayError)) throw error
  })
}

async function live(story: readonly Step[]) {
  const world = new World()
  await world.clock.advance(50)
  for (const action of story) await world.perform(action)
  await world.clock.advance(180_000)
  const outcome = await world.outcome()
  await Promise.race([world.fleet.close(), world.clock.advance(5_000)])
  return { outcome, broken: world.broken, splits: world.store.splits.map((split) => split.shares) }
}

describe('whatever happens to replicas and to control', () => {
  test.prop([steps], { numRuns: 60 })(
    'what is wished comes true, and nothing is broken on the way',
    async (story) => {
      const { outcome, broken } = await live(story)
      expect(broken).toEqual([])
      for (const [version, { status, ready, wanted }] of Object.entries(outcome)) {
        expect(ready, version).toBe(wanted)
        expect(['active', 'stopped', 'failed'], version).toContain(status)
        if (status === 'failed') expect(version).toBe('broken')
      }
    },
  )

  test('gateways have their time where the store is slow, too', async () => {
    const world = new World()
    await world.clock.advance(50)
    await world.perform({ do: 'deploy', label: 'v1', replicas: 2 })
    await world.clock.advance(4_000)
    world.readDelayMs = 2 * defaultTimings.noticeMs
    const scaled = world.fleet.scale(MODEL, 'v1', 1)
    await world.clock.advance(30_000)
    await scaled
    world.readDelayMs = 0
    expect((await world.outcome()).v1).toEqual({ status: 'active', ready: 1, wanted: 1 })
    expect(world.broken).toEqual([])
    await Promise.race([world.fleet.close(), world.clock.advance(5_000)])
  })

  test.prop([steps, fc.array(fc.nat(40), { minLength: 1, maxLength: 5 })], { numRuns: 40 })(
    'a control process that dies and comes back makes no difference in the end',
    async (story, deaths) => {
      const troubles = ['restart-control', 'store-fails', 'wait']
      const settled = story.filter((each) => !troubles.includes(each.do))
      // Wishes are given when the ones before are true, so that both worlds refuse the same ones.
      const calm = settled.flatMap((each): Step[] => [each, { do: 'wait', ms: 4_000 }])
      const troubled = settled.flatMap((each, index): Step[] => [
        each,
        ...(deaths.includes(index)
          ? [{ do: 'wait', ms: 5 } as const, { do: 'restart-control' } as const]
          : []),
        { do: 'wait', ms: 4_000 },
      ])
      const [first, second] = [await live(calm), await live(troubled)]
      expect(second.broken).toEqual([])
      expect(second.outcome).toEqual(first.outcome)
      expect(second.splits).toEqual(first.splits)
    },
  )
})
