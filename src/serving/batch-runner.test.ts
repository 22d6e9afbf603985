import { fc, test } from '@fast-check/vitest'
import { describe, expect, vi } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import {
  BatchMemory,
  compileRows,
  type LinkExchange,
  type LinkSpent,
  type TensorBatch,
} from '../link/index.ts'
import { type BatchRunnerOptions, type RanBatch, runBatch } from './batch-runner.ts'
import type { Engine, InferResult } from './engine.ts'
import { type RequestPart, WholeRequest } from './request-part.ts'

const inputs = compileRows([{ name: 'x', dtype: 'float64', shape: [] }], 'm')
const outputs = compileRows([{ name: 'y', dtype: 'float64', shape: [] }], 'm')
/** A row of this value makes the model throw for its whole batch. */
const POISON = 666

interface Answered extends LinkExchange {
  outcome: number[] | string | undefined
  spent: LinkSpent | undefined
}

function exchangeOf(values: readonly number[]): Answered {
  const exchange: Answered = {
    rows: values.length,
    body: inputs.encodeJson(values.map((x) => ({ x }))),
    arrivedMs: 0,
    deadlineAtMs: Number.POSITIVE_INFINITY,
    priority: 1,
    settled: false,
    onCancel: undefined,
    outcome: undefined,
    spent: undefined,
    header: () => undefined,
    answer(rows, body, spent) {
      Object.assign(exchange, {
        settled: true,
        spent,
        outcome: outputs.toObjects(body, rows).map(({ y }) => y),
      })
    },
    fail(code) {
      Object.assign(exchange, { settled: true, outcome: code })
    },
  }
  return exchange
}

function partsOf(exchanges: readonly Answered[]): RequestPart[] {
  return exchanges.map((exchange) =>
    new WholeRequest(exchange, { model: 'm', version: 'v1' }, () => {}).add(exchange.rows, exchange.body, ''),
  )
}

/** Doubles each row, and throws where a batch holds poison. */
function doubler() {
  const infer = vi.fn(async (batch: TensorBatch): Promise<InferResult> => {
    const x = batch.tensors.x!.data as Float64Array
    if (x.includes(POISON)) throw new Error('poison')
    const y = { dtype: 'float64' as const, shape: [batch.rows], data: x.map((value) => value * 2) }
    return { outputs: { rows: batch.rows, tensors: { y } } }
  })
  return { infer, engine: { infer } as unknown as Engine }
}

async function run(
  exchanges: readonly Answered[],
  options: Partial<BatchRunnerOptions> = {},
): Promise<RanBatch[]> {
  const ran: RanBatch[] = []
  const work = partsOf(exchanges)
  const rows = work.reduce((sum, part) => sum + part.rows, 0)
  await runBatch({ rows, work }, systemClock.monotonicMs(), {
    clock: systemClock,
    engine: doubler().engine,
    preprocess: undefined,
    inputs,
    outputs,
    memory: new BatchMemory(),
    onBatch: (one) => void ran.push(one),
    ...options,
  })
  return ran
}

const request = fc.array(
  fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 99 }) }, fc.constant(POISON)),
  {
    minLength: 1,
    maxLength: 5,
  },
)

describe('a batch', () => {
  test.prop([fc.array(request, { minLength: 1, maxLength: 24 })])(
    'answers each request with its own rows, and fails only those to blame, in at most 2n − 1 runs',
    async (sent) => {
      const exchanges = sent.map(exchangeOf)
      const { infer, engine } = doubler()
      await run(exchanges, { engine })
      for (const [index, values] of sent.entries()) {
        const expected = values.includes(POISON) ? 'model_failed' : values.map((value) => value * 2)
        expect(exchanges[index]!.outcome).toEqual(expected)
      }
      expect(infer.mock.calls.length).toBeLessThanOrEqual(2 * sent.length - 1)
    },
  )

  test('charges each request its share by rows', async () => {
    const [small, large] = [exchangeOf([1]), exchangeOf([1, 2, 3])]
    let nowMs = 0
    const clock = { ...systemClock, monotonicMs: () => (nowMs += 4) }
    await run([small, large], { clock })
    expect(small.spent!.computeUs * 3).toBe(large.spent!.computeUs)
    expect(small.spent!.computeUs).toBe(1000)
  })

  test('does not compute for callers who left', async () => {
    const [gone, here] = [exchangeOf([1]), exchangeOf([2])]
    Object.assign(gone, { settled: true })
    const { infer, engine } = doubler()
    await run([gone, here], { engine })
    expect(infer.mock.calls[0]![0].rows).toBe(1)
    expect([gone.outcome, here.outcome]).toEqual([undefined, [4]])
    infer.mockClear()
    Object.assign(here, { settled: true })
    await run([gone, here], { engine })
    expect(infer).not.toHaveBeenCalled()
  })

  test('fails alone where the engine says so', async () => {
    const exchanges = [exchangeOf([1]), exchangeOf([2])]
    const { engine } = doubler()
    const infer = async (batch: TensorBatch) => ({
      ...(await engine.infer(batch, [])),
      failed: new Map([[1, 'bad']]),
    })
    const ran = await run(exchanges, { engine: { infer } as unknown as Engine })
    expect(exchanges.map(({ outcome }) => outcome)).toEqual([[2], 'model_failed'])
    expect(ran).toMatchObject([{ rows: 2, requests: 2, failedRequests: 1 }])
  })

  test.each<[string, TensorBatch]>([
    [
      'too few rows',
      { rows: 1, tensors: { y: { dtype: 'float64', shape: [1], data: new Float64Array(1) } } },
    ],
    [
      'another type',
      { rows: 2, tensors: { y: { dtype: 'float32', shape: [2], data: new Float32Array(2) } } },
    ],
    ['no output', { rows: 2, tensors: {} }],
  ])('whose model answers with %s is failed, not passed on', async (_, answered) => {
    const exchange = exchangeOf([1, 2])
    await run([exchange], { engine: { infer: async () => ({ outputs: answered }) } as unknown as Engine })
    expect(exchange.outcome).toBe('model_failed')
  })

  test('whose preprocess throws for one row fails that request alone', async () => {
    const exchanges = [exchangeOf([1]), exchangeOf([13]), exchangeOf([2])]
    await run(exchanges, {
      preprocess: async (rows) => {
        if (rows.some(({ x }) => x === 13)) throw new Error('unlucky')
        const data = Float64Array.from(rows, ({ x }) => Number(x) + 100)
        return { rows: rows.length, tensors: { x: { dtype: 'float64', shape: [rows.length], data } } }
      },
    })
    expect(exchanges.map(({ outcome }) => outcome)).toEqual([[202], 'model_failed', [204]])
  })
})
