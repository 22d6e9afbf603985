import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type TensorSpec, versionSpec } from '../../contracts/index.ts'
import { seededRandom, systemClock } from '../../kernel/index.ts'
import type { TensorBatch } from '../../link/index.ts'
import { conformsToEngine } from '../engine.conformance.ts'
import type { LoadRequest } from '../engine.ts'
import { onnxEngine } from './onnx.ts'

const digits = fileURLToPath(new URL('../../../bench/floor/digits.onnx', import.meta.url))
const features: TensorSpec = { name: 'features', dtype: 'float32', shape: [64] }
const label: TensorSpec = { name: 'label', dtype: 'int64', shape: [] }
const probabilities: TensorSpec = { name: 'probabilities', dtype: 'float32', shape: [10] }

function requestOf(
  path: string,
  inputs: TensorSpec[] = [features],
  outputs = [label, probabilities],
): LoadRequest {
  const spec = versionSpec.parse({ engine: 'onnx', contract: { inputs, outputs } })
  return { model: 'digits', label: 'v1', spec, artifactPath: path, feeds: inputs }
}

function batch(rows: number, seed = 1): TensorBatch {
  const random = seededRandom(seed)
  const data = Float32Array.from({ length: rows * 64 }, () => random() * 16)
  return { rows, tensors: { features: { dtype: 'float32', shape: [rows, 64], data } } }
}

const wrong: TensorBatch = {
  rows: 1,
  tensors: { features: { dtype: 'float32', shape: [1, 3], data: new Float32Array(3) } },
}

const folder = mkdtempSync(join(tmpdir(), 'onnx-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

conformsToEngine('onnx', () => onnxEngine(systemClock), { request: requestOf(digits), batch })

describe('in a thread of its own', () => {
  /** Warmed up, which is when the engine decides. */
  const make = () => {
    const engine = onnxEngine(systemClock, { threadFromMs: 0 })
    const { load } = engine
    engine.load = async (wanted) => {
      await load.call(engine, wanted)
      await engine.warmUp(1)
    }
    return engine
  }
  conformsToEngine('onnx', make, { request: requestOf(digits), batch })

  test('it leaves the event loop free while it computes', async () => {
    const engine = make()
    await engine.load(requestOf(digits))
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const large = batch(200_000)
    const inThread = engine.infer(large, [large.rows])
    await inThread
    const free = turns
    clearInterval(timer)
    expect(free).toBeGreaterThan(2)
    await engine.unload()
  })

  test('it rejects a batch of the wrong shape, and goes on', async () => {
    const engine = make()
    await engine.load(requestOf(digits))
    await expect(engine.infer(wrong, [1])).rejects.toThrow(/dimension/)
    expect((await engine.infer(batch(1), [1])).outputs.rows).toBe(1)
    await engine.unload()
  })
})

describe('an artifact', () => {
  const whole = readFileSync(digits)
  test.each([
    ['empty', Buffer.alloc(0)],
    ['cut in half', whole.subarray(0, whole.length >> 1)],
    ['short of its last byte', whole.subarray(0, -1)],
    ['text', Buffer.from('<!doctype html><p>404</p>')],
    ['with bytes flipped', Buffer.from(whole.map((byte, index) => (index % 97 === 0 ? byte ^ 0xff : byte)))],
  ])('that is %s is unreadable, in words without paths', async (name, bytes) => {
    const path = join(folder, name.replaceAll(' ', '-'))
    writeFileSync(path, bytes)
    const error = await onnxEngine(systemClock)
      .load(requestOf(path))
      .then(
        () => undefined,
        (error: unknown) => error as Error & { code: string },
      )
    expect(error?.code).toBe('artifact_unreadable')
    expect(error?.message).not.toContain(folder)
    expect(error?.message).toMatch(/cannot be read as ONNX: \w/)
  })

  test.each<[string, TensorSpec[], TensorSpec[], RegExp]>([
    [
      'another input name',
      [{ ...features, name: 'pixels' }],
      [label],
      /input "features" is not in the contract/,
    ],
    ['an input too many', [features, { ...features, name: 'more' }], [label], /no input "more"/],
    [
      'another input type',
      [{ ...features, dtype: 'float64' }],
      [label],
      /float32\[64\] in the graph and float64\[64\]/,
    ],
    ['another input shape', [{ ...features, shape: [63] }], [label], /\[64\] in the graph and float32\[63\]/],
    ['another rank', [{ ...features, shape: [8, 8] }], [label], /\[8,8\] in the contract/],
    ['an output that is not there', [features], [{ ...label, name: 'class' }], /no output "class"/],
    ['another output type', [features], [{ ...label, dtype: 'int32' }], /output "label" is int64\[\]/],
    ['another output shape', [features], [{ ...probabilities, shape: [2] }], /float32\[10\] in the graph/],
  ])('that does not fit its contract by %s is refused', async (_, inputs, outputs, reason) => {
    const error = await onnxEngine(systemClock)
      .load(requestOf(digits, inputs, outputs))
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(error).toMatchObject({ code: 'contract_broken', message: expect.stringMatching(reason) })
  })

  test('need not give all its outputs', async () => {
    const engine = onnxEngine(systemClock)
    await engine.load(requestOf(digits, [features], [label]))
    const { outputs } = await engine.infer(batch(2), [2])
    expect(Object.keys(outputs.tensors)).toEqual(['label'])
    await engine.unload()
  })
})

test('a batch of the wrong shape is rejected, and the next one is answered', async () => {
  const engine = onnxEngine(systemClock)
  await engine.load(requestOf(digits))
  await expect(engine.infer(wrong, [1])).rejects.toThrow(/dimension/)
  expect((await engine.infer(batch(1), [1])).outputs.rows).toBe(1)
  await engine.unload()
})
