import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../kernel/index.ts'
import type { BalancePolicy } from './balance.ts'
import { ReplicaPool } from './index.ts'

interface Stub {
  name: string
  isReady: boolean
}

const policy: BalancePolicy = { slowStartMs: 0, asideMs: 100, maxAsideMs: 1000 }

const poolOf = (names: string[], change: Partial<BalancePolicy> = {}, nowMs = 0) => {
  const pool = new ReplicaPool<Stub>(seededRandom(1), { ...policy, ...change })
  for (const name of names) pool.add({ name, isReady: true }, nowMs)
  return pool
}

const picks = (pool: ReplicaPool<Stub>, count: number, nowMs = 0) => {
  const counts: Record<string, number> = {}
  for (let index = 0; index < count; index++) {
    const name = pool.pick(nowMs)?.replica.name ?? 'none'
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe('picking', () => {
  test('nothing to pick from', () => expect(poolOf([]).pick(0)).toBeUndefined())

  property.prop([fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 2 ** 31 })])(
    'requests that never end are spread to within a few of each other',
    (replicas, seed) => {
      const pool = new ReplicaPool<Stub>(seededRandom(seed), policy)
      for (let index = 0; index < replicas; index++) pool.add({ name: `r${index}`, isReady: true }, 0)
      for (let index = 0; index < replicas * 50; index++) pool.pick(0)
      const counts = pool.members.map((member) => member.inFlight)
      expect(Math.max(...counts) - 50).toBeLessThanOrEqual(4)
    },
  )

  test('a slow replica, which keeps its requests, gets few new ones', () => {
    const pool = poolOf(['slow', 'fast'])
    const counts = { slow: 0, fast: 0 }
    for (let index = 0; index < 1000; index++) {
      const member = pool.pick(0)
      if (member === undefined) continue
      counts[member.replica.name as 'slow' | 'fast']++
      if (member.replica.name === 'fast') pool.release(member, 'answered', 0)
    }
    expect(counts.slow).toBeLessThan(10)
  })

  test.each(['draining', 'not ready'])('a %s replica gets nothing', (state) => {
    const pool = poolOf(['a', 'b', 'c'])
    const member = pool.members[0]!
    if (state === 'draining') member.isDraining = true
    else member.replica.isReady = false
    expect(picks(pool, 30).a).toBeUndefined()
    expect(pool.available(0)).toBe(2)
  })

  test('a retry goes to a replica that was not tried, or nowhere', () => {
    const pool = poolOf(['a', 'b'])
    const first = pool.pick(0)!
    const second = pool.pick(0, [first])!
    expect(second).not.toBe(first)
    expect(pool.pick(0, [first, second])).toBeUndefined()
  })

  test('a new replica starts with a tenth of a share and grows into it', () => {
    const pool = poolOf(['old'], { slowStartMs: 1000 }, -10_000)
    pool.add({ name: 'new', isReady: true }, 0)
    const early = picks(pool, 200, 1)
    expect(early.new).toBeLessThan(30)
    expect(picks(pool, 400, 1000).new).toBeGreaterThan(200)
  })
})

describe('the circuit', () => {
  test('a replica that cannot be reached is put aside, then probed by one request, then trusted', () => {
    const pool = poolOf(['a'])
    pool.release(pool.pick(0)!, 'unreachable', 0)
    expect(pool.pick(99)).toBeUndefined()
    const probe = pool.pick(100)!
    expect(pool.pick(100)).toBeUndefined()
    pool.release(probe, 'answered', 101)
    expect(picks(pool, 3, 101)).toEqual({ a: 3 })
  })

  test('each failed probe doubles the time aside, up to the bound', () => {
    const pool = poolOf(['a'])
    let nowMs = 0
    const waits: number[] = []
    for (let attempt = 0; attempt < 6; attempt++) {
      pool.release(pool.pick(nowMs)!, 'unreachable', nowMs)
      const asideUntilMs = pool.members[0]!.asideUntilMs
      waits.push(asideUntilMs - nowMs)
      nowMs = asideUntilMs
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000])
  })

  test('requests that fall together with one connection count as one failure', () => {
    const pool = poolOf(['a'])
    const members = [pool.pick(0)!, pool.pick(0)!, pool.pick(0)!]
    for (const member of members) pool.release(member, 'unreachable', 0)
    expect(pool.members[0]).toMatchObject({ failures: 1, asideUntilMs: 100, inFlight: 0 })
  })
})
