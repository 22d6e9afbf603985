import { describe, expect, test } from 'vitest'
import { type EchoScript, type VersionSpec, versionSpec } from '../../contracts/index.ts'
import { type Clock, systemClock } from '../../kernel/index.ts'
import type { TensorBatch } from '../../link/index.ts'
import { conformsToEngine } from '../engine.conformance.ts'
import type { LoadRequest } from '../engine.ts'
import { echoEngine } from './echo.ts'

const specOf = (echo: Partial<EchoScript> = {}): VersionSpec =>
  versionSpec.parse({
    engine: 'echo',
    echo,
    contract: {
      inputs: [
        { name: 'x', dtype: 'float32', shape: [2] },
        { name: 'text', dtype: 'string', shape: [] },
      ],
      outputs: [
        { name: 'text', dtype: 'string', shape: [] },
        { name: 'label', dtype: 'int64', shape: [] },
        { name: 'scores', dtype: 'float32', shape: [3] },
        { name: 'free', dtype: 'float64', shape: [null] },
        { name: 'count', dtype: 'int32', shape: [] },
        { name: 'is_good', dtype: 'bool', shape: [] },
        { name: 'x', dtype: 'float32', shape: [2] },
      ],
    },
  })
const requestOf = (spec: VersionSpec): LoadRequest => ({
  model: 'm',
  label: 'v1',
  spec,
  artifactPath: null,
  feeds: spec.contract.inputs,
})
const batch = (rows: number, seed = 0): TensorBatch => ({
  rows,
  tensors: {
    x: {
      dtype: 'float32',
      shape: [rows, 2],
      data: Float32Array.from({ length: rows * 2 }, (_, index) => index + seed),
    },
    text: {
      dtype: 'string',
      shape: [rows],
      data: Array.from({ length: rows }, (_, row) => `row ${row} ${seed}`),
    },
  },
})

conformsToEngine('echo', () => echoEngine(systemClock), { request: requestOf(specOf()), batch })

/** Sleeps are kept, not slept. */
function clockThatNotes(): { clock: Clock; slept: number[] } {
  const slept: number[] = []
  return { slept, clock: { ...systemClock, sleep: async (ms) => void slept.push(ms) } }
}

async function run(script: Partial<EchoScript>, batches: number, rows = 1) {
  const { clock, slept } = clockThatNotes()
  const engine = echoEngine(clock)
  await engine.load(requestOf(specOf(script)))
  const failedAt: number[] = []
  for (let index = 0; index < batches; index++) {
    const { failed } = await engine.infer(batch(rows), [rows])
    if (failed !== undefined) failedAt.push(index)
  }
  return { slept, failedAt }
}

describe('a script', () => {
  test('sets the time of a batch', async () => {
    expect((await run({ latencyMs: 20, perRowMs: 2 }, 1, 5)).slept).toEqual([30])
  })

  test('fails its share of requests, the same ones for a seed', async () => {
    const first = await run({ failShare: 0.2, seed: 3 }, 1000)
    expect(first.failedAt.length).toBeGreaterThan(150)
    expect(first.failedAt.length).toBeLessThan(250)
    expect((await run({ failShare: 0.2, seed: 3 }, 1000)).failedAt).toEqual(first.failedAt)
    expect((await run({ failShare: 0.2, seed: 4 }, 1000)).failedAt).not.toEqual(first.failedAt)
    expect((await run({ failShare: 0.2, slowShare: 0.5, slowFactor: 2, seed: 3 }, 1000)).failedAt).toEqual(
      first.failedAt,
    )
  })

  test('slows its share of requests', async () => {
    const { slept } = await run({ latencyMs: 10, slowShare: 0.1, slowFactor: 5 }, 1000)
    const slow = slept.filter((ms) => ms === 50).length
    expect(slow).toBeGreaterThan(60)
    expect(slow).toBeLessThan(140)
    expect(slept.filter((ms) => ms === 10)).toHaveLength(1000 - slow)
  })

  test('begins its faults after so many rows', async () => {
    expect((await run({ failShare: 1, afterRows: 30 }, 20, 3)).failedAt).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    ])
  })

  test('fails one request of a batch and not its neighbours', async () => {
    const engine = echoEngine(systemClock)
    await engine.load(requestOf(specOf({ failShare: 0.5 })))
    const { failed, outputs } = await engine.infer(batch(64), new Array<number>(64).fill(1))
    expect(failed?.size).toBeGreaterThan(16)
    expect(failed?.size).toBeLessThan(48)
    expect(outputs.rows).toBe(64)
  })
})
