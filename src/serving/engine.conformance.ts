import { describe, expect, test } from 'vitest'
import { BatchMemory, compileRows, type TensorBatch } from '../link/index.ts'
import type { Engine, LoadRequest } from './engine.ts'

export interface EngineSample {
  readonly request: LoadRequest
  /** Rows that differ from each other, by a seed. */
  batch(rows: number, seed?: number): TensorBatch
}

/** What every engine must do, whatever runs behind it. */
export function conformsToEngine(name: string, make: () => Engine, sample: EngineSample): void {
  const outputs = compileRows(sample.request.spec.contract.outputs, sample.request.model)
  const loaded = async () => {
    const engine = make()
    await engine.load(sample.request)
    return engine
  }
  const infer = async (engine: Engine, batch: TensorBatch) => {
    const result = await engine.infer(batch, [batch.rows])
    expect(outputs.mismatch(result.outputs)).toBeUndefined()
    return outputs.toObjects(outputs.encode(result.outputs), batch.rows)
  }

  describe(`the ${name} engine`, () => {
    test('has its name and describes itself once loaded', async () => {
      const engine = await loaded()
      expect(engine.name).toBe(name)
      expect(engine.describe().runtime).toMatch(/\w/)
      await engine.unload()
    })

    test.each([1, 2, 7, 33])('answers %i rows with as many, in the form of the contract', async (rows) => {
      const engine = await loaded()
      expect(await infer(engine, sample.batch(rows))).toHaveLength(rows)
      await engine.unload()
    })

    test('answers a row alike, alone and in company, and in its place', async () => {
      const engine = await loaded()
      const together = await infer(engine, sample.batch(5))
      const inputs = compileRows(sample.request.feeds ?? [], 'any')
      for (let row = 0; row < 5; row++) {
        const alone = inputs.decode([{ rows: 1, body: inputs.encode(sample.batch(5), row, row + 1) }])
        const [answer] = await infer(engine, alone)
        expectClose(answer, together[row])
      }
      await engine.unload()
    })

    test('answers the same again', async () => {
      const engine = await loaded()
      expect(await infer(engine, sample.batch(3))).toEqual(await infer(engine, sample.batch(3)))
      await engine.unload()
    })

    test('does not mix up batches that run at the same time', async () => {
      const engine = await loaded()
      const seeds = [1, 2, 3, 4]
      const alone = []
      for (const seed of seeds) alone.push(await infer(engine, sample.batch(2, seed)))
      expect(await Promise.all(seeds.map((seed) => infer(engine, sample.batch(2, seed))))).toEqual(alone)
      await engine.unload()
    })

    test('leaves its inputs as they were', async () => {
      const engine = await loaded()
      const batch = sample.batch(4)
      await infer(engine, batch)
      expect(batch).toEqual(sample.batch(4))
      await engine.unload()
    })

    test('gives outputs that stay when the memory of the batch takes another', async () => {
      const engine = await loaded()
      const inputs = compileRows(sample.request.feeds ?? [], 'any')
      const memory = new BatchMemory()
      const decoded = (batch: TensorBatch) =>
        inputs.decode([{ rows: batch.rows, body: inputs.encode(batch) }], memory)
      const { outputs } = await engine.infer(decoded(sample.batch(7)), [])
      const { outputs: alone } = await engine.infer(sample.batch(7), [])
      await engine.infer(decoded(sample.batch(3, 2)), [])
      decoded(sample.batch(7, 3))
      for (const [name, { data }] of Object.entries(outputs.tensors))
        expect(Array.from(data as Float32Array)).toEqual(
          Array.from(alone.tensors[name]?.data as Float32Array),
        )
      await engine.unload()
    })

    test('warms up with any number of rows', async () => {
      const engine = await loaded()
      await engine.warmUp(1)
      await engine.warmUp(8)
      expect(await infer(engine, sample.batch(1))).toHaveLength(1)
      await engine.unload()
    })

    test('unloads twice, and answers nothing afterwards', async () => {
      const engine = await loaded()
      await engine.unload()
      await engine.unload()
      await expect(engine.infer(sample.batch(1), [1])).rejects.toThrow()
    })
  })
}

/** Equal up to the last bits of a float32: a batch may be summed in another order than a row. */
function expectClose(left: unknown, right: unknown): void {
  if (typeof left === 'number' && typeof right === 'number') {
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(right)))
  } else if (typeof left === 'object' && left !== null) {
    const other = right as Record<string, unknown>
    for (const [key, value] of Object.entries(left)) expectClose(value, other[key])
  } else {
    expect(left).toEqual(right)
  }
}
