import { describe, expect, test } from 'vitest'
import type { Snapshot, SnapshotReplica } from '../contracts/index.ts'
import { seededRandom, systemClock } from '../kernel/index.ts'
import { ExposureCounter, SnapshotHolder } from './index.ts'

interface Stub {
  id: string
  isReady: boolean
  retired: boolean
}

const digest = (digit: string) => `sha256:${digit.repeat(64)}`

const snapshotOf = (
  versions: Record<string, Partial<SnapshotReplica>[]>,
  input = 'features',
  revision = 1,
): Snapshot => ({
  revision,
  createdAt: 0,
  keys: [],
  models: [
    {
      model: 'm',
      contract: {
        inputs: [{ name: input, dtype: 'float32', shape: [2] }],
        outputs: [{ name: 'score', dtype: 'float32', shape: [] }],
      },
      experiment: 'm/1',
      slices: [],
      captureFailures: false,
      versions: Object.entries(versions).map(([label, replicas]) => ({
        label,
        id: digest(label.slice(1)),
        maxBatchRows: 32,
        replicas: replicas.map((replica) => ({
          id: 'r1',
          address: 'unix:/r1.sock',
          draining: false,
          ...replica,
        })),
      })),
    },
  ],
})

const holderOf = () => {
  const opened: Stub[] = []
  let compiled = 0
  const holder = new SnapshotHolder<Stub, number>({
    openReplica: (replica) => {
      const stub = { id: replica.id, isReady: true, retired: false }
      opened.push(stub)
      return stub
    },
    retireReplica: (replica) => {
      replica.retired = true
    },
    compile: () => ++compiled,
    clock: systemClock,
    random: seededRandom(1),
  })
  const swap = (snapshot: Snapshot) => {
    const prepared = holder.prepare(snapshot)
    prepared.commit()
    return prepared
  }
  return {
    holder,
    opened,
    swap,
    state: () => opened.map((stub) => `${stub.id}${stub.retired ? ' retired' : ''}`),
  }
}

describe('a new snapshot', () => {
  test('keeps pools, connections and compiled contracts that did not change', () => {
    const { holder, opened, swap } = holderOf()
    swap(snapshotOf({ v1: [{}] }))
    const before = holder.table?.models.get('m')
    const second = swap(snapshotOf({ v1: [{}], v2: [{ id: 'r2' }] }, 'features', 2))
    const after = holder.table?.models.get('m')
    expect(after?.compiled).toBe(before?.compiled)
    expect(after?.versions.get('v1')?.pool).toBe(before?.versions.get('v1')?.pool)
    expect(second.opened.map((stub) => stub.id)).toEqual(['r2'])
    expect(opened).toHaveLength(2)
  })

  test('compiles a contract that changed', () => {
    const { holder, swap } = holderOf()
    swap(snapshotOf({ v1: [{}] }))
    swap(snapshotOf({ v1: [{}] }, 'pixels'))
    expect(holder.table?.models.get('m')?.compiled).toBe(2)
  })

  test('touches nothing that serves before it is committed', () => {
    const { holder, state, swap } = holderOf()
    swap(snapshotOf({ v1: [{}] }))
    const old = holder.table
    const next = holder.prepare(snapshotOf({ v2: [{ id: 'r2' }] }))
    expect([holder.table === old, old?.models.get('m')?.versions.get('v1')?.pool.available(0)]).toEqual([
      true,
      1,
    ])
    next.commit()
    expect(state()).toEqual(['r1 retired', 'r2'])
    expect(holder.table?.models.get('m')?.versions.has('v1')).toBe(false)
  })

  test.each<[string, Record<string, Partial<SnapshotReplica>[]>, string[]]>([
    ['a replica that is gone is retired', { v1: [{ id: 'r2' }] }, ['r1 retired', 'r2']],
    ['one that moved is opened anew', { v1: [{ address: 'unix:/other.sock' }] }, ['r1 retired', 'r1']],
    ['a version that is gone takes its replicas along', { v9: [] }, ['r1 retired']],
    ['one that drains stays, and is not picked', { v1: [{ draining: true }] }, ['r1']],
  ])('%s', (_, versions, expected) => {
    const { holder, swap, state } = holderOf()
    swap(snapshotOf({ v1: [{}] }))
    swap(snapshotOf(versions))
    expect(state()).toEqual(expected)
    if (versions.v1?.[0]?.draining === true)
      expect(holder.table?.models.get('m')?.versions.get('v1')?.pool.pick(0)).toBeUndefined()
  })

  test('that was skipped leaves nothing open behind', () => {
    const { swap, holder, state } = holderOf()
    swap(snapshotOf({ v1: [{}] }))
    holder.prepare(snapshotOf({ v1: [{}], v2: [{ id: 'skipped' }] }))
    swap(snapshotOf({ v1: [{}] }))
    expect(state()).toEqual(['r1', 'skipped retired'])
  })
})

test('a unit is exposed once per experiment and window', () => {
  const exposures = new ExposureCounter(1000)
  const seen = [
    exposures.isFirst(1, 42, 0),
    exposures.isFirst(1, 42, 999),
    exposures.isFirst(2, 42, 999),
    exposures.isFirst(1, 42, 1000),
  ]
  expect(seen).toEqual([true, false, true, true])
})
