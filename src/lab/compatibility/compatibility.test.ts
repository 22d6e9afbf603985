import { readFileSync } from 'node:fs'
import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, test } from 'vitest'
import { readOnnxHeader as readHeader, sourceOf } from '../../artifacts/index.ts'
import { onnxBytes } from '../../artifacts/testing.ts'
import type { ModelContract, VersionSpec } from '../../contracts/index.ts'
import { digestOfBytes, systemClock } from '../../kernel/index.ts'
import { contextFor, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { compatibilityCheck } from './check.ts'
import { contractDiff } from './contract-diff.ts'
import { contractFaults } from './onnx-contract.ts'
import { onnxSupport, supportFaults } from './onnx-support.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const readOnnxHeader = (bytes: Buffer) => readHeader(sourceOf(bytes))

const spam = readFileSync(new URL('../../../samples/spam/spam-v1.onnx', import.meta.url))

describe('what the runtime here runs', () => {
  const loads = async (bytes: Buffer) =>
    InferenceSession.create(bytes, { logSeverityLevel: 4 }).then(
      () => true,
      () => false,
    )
  const { most, least } = onnxSupport.domains['']!

  test.each<[string, Buffer, boolean]>([
    ['the newest opset', onnxBytes({ opset: most, ir: onnxSupport.mostIrVersion }), true],
    ['one newer', onnxBytes({ opset: most + 1 }), false],
    ['the newest IR version', onnxBytes({ ir: onnxSupport.mostIrVersion }), true],
    ['one newer', onnxBytes({ ir: onnxSupport.mostIrVersion + 1 }), false],
    ['the oldest opset promised', onnxBytes({ opset: least, ir: 4 }), true],
    [
      'a custom operator',
      onnxBytes({ domain: 'my.ops', opset: 1, operator: 'Trick', operatorDomain: 'my.ops' }),
      false,
    ],
    ['a custom domain that is not used', onnxBytes({ domain: 'my.ops', opset: 1 }), true],
  ])('the table and the installed runtime agree on %s', async (_, bytes, runs) => {
    expect(await loads(bytes)).toBe(runs)
    expect(supportFaults(readOnnxHeader(bytes)).length === 0).toBe(runs)
  })

  test('an opset older than promised is refused, though it may run', () => {
    expect(supportFaults(readOnnxHeader(onnxBytes({ opset: least - 1 })))).toMatchObject([/older than/])
  })
})

describe('a file against its contract', () => {
  const contract: ModelContract = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [3] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [3] }],
  }
  const batching = { maxBatchSize: 32, maxQueueDelayMs: 5, maxQueueRows: 100 }
  const preprocess = { digest: digestOfBytes('p'), name: 'p.ts' }
  test.each<[string, Parameters<typeof onnxBytes>[0], Partial<VersionSpec>, RegExp | undefined]>([
    ['fits', { width: 3 }, {}, undefined],
    [
      'another width',
      { width: 4 },
      {},
      /input "x" takes float32\[\?, 4\] a batch, the contract says float32\[3\] a row/,
    ],
    ['another type', { width: 3, dtype: 11 }, {}, /float64/],
    ['another output', { width: 3, output: 'z' }, {}, /no output "y"/],
    ['a fixed batch', { width: 3, batch: 8 }, {}, /fixed to 8 rows/],
    [
      'a batch of one, batching off',
      { width: 3, batch: 1 },
      { batching: { ...batching, maxBatchSize: 1 } },
      undefined,
    ],
    [
      'inputs made by preprocessing',
      { width: 3 },
      { preprocess, contract: { ...contract, inputs: [{ name: 'text', dtype: 'string', shape: [] }] } },
      undefined,
    ],
    [
      'inputs that nothing makes',
      { width: 3 },
      { contract: { ...contract, inputs: [{ name: 'text', dtype: 'string', shape: [] }] } },
      /wants an input "x"/,
    ],
  ])('%s', (_, bytes, change, reason) => {
    const faults = contractFaults(readOnnxHeader(onnxBytes(bytes)), { contract, batching, ...change }).join(
      '; ',
    )
    if (reason === undefined) expect(faults).toBe('')
    else expect(faults).toMatch(reason)
  })
})

describe('a contract against the one before', () => {
  const before: ModelContract = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [3] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
  }
  test.each<[string, Partial<ModelContract>, RegExp | undefined, RegExp | undefined]>([
    ['equal', {}, undefined, undefined],
    [
      'an output more',
      { outputs: [...before.outputs, { name: 'why', dtype: 'string', shape: [] }] },
      undefined,
      /"why" is new/,
    ],
    ['an output less', { outputs: [{ name: 'why', dtype: 'string', shape: [] }] }, /output "y" is gone/, /./],
    [
      'an output of another type',
      { outputs: [{ name: 'y', dtype: 'int64', shape: [null] }] },
      /int64\[\?\] where it was float32\[\?\]/,
      undefined,
    ],
    [
      'an output that says more',
      { outputs: [{ name: 'y', dtype: 'float32', shape: [4] }] },
      undefined,
      undefined,
    ],
    [
      'an input more',
      { inputs: [...before.inputs, { name: 'z', dtype: 'bool', shape: [] }] },
      /"z" is new, and no client sends it/,
      undefined,
    ],
    [
      'an input that takes more',
      { inputs: [{ name: 'x', dtype: 'float32', shape: [null] }] },
      undefined,
      /wider/,
    ],
    [
      'an input of another size',
      { inputs: [{ name: 'x', dtype: 'float32', shape: [4] }] },
      /input "x"/,
      undefined,
    ],
  ])('%s', (_, change, breaking, compatible) => {
    const diff = contractDiff(before, { ...before, ...change })
    if (breaking === undefined) expect(diff.breaking).toEqual([])
    else expect(diff.breaking.join()).toMatch(breaking)
    if (compatible !== undefined) expect(diff.compatible.join()).toMatch(compatible)
  })
})

describe('the check', () => {
  const contract: ModelContract = {
    inputs: [{ name: 'text', dtype: 'string', shape: [] }],
    outputs: [
      { name: 'label', dtype: 'int64', shape: [] },
      { name: 'spam_probability', dtype: 'float32', shape: [] },
    ],
  }
  const answering: ScriptedVersion = { answer: () => ({ label: 1, spam_probability: 0.9 }) }
  async function checked(v2: ScriptedVersion, file: Buffer = spam, candidate: Partial<VersionSpec> = {}) {
    const gateway = await scriptedGateway({ v1: answering, v2 })
    opened.push(gateway)
    const artifact = { digest: digestOfBytes(file), name: 'm.onnx' }
    const preprocess = { digest: digestOfBytes('p'), name: 'p.ts' }
    const context = contextFor({
      gatewayUrl: gateway.url,
      contract,
      champion: { engine: 'onnx', artifact, preprocess },
      candidate: { engine: 'onnx', artifact, preprocess, ...candidate },
      artifacts: { [artifact.digest]: file },
    })
    const check = compatibilityCheck(systemClock)
    const plan = await check.plan(context)
    const { run } = runWith()
    return { ...check.analyse(plan.plan, await check.measure(context, plan, run)), gateway }
  }

  test('passes what fits and answers', async () => {
    const judgement = await checked(answering)
    expect(judgement).toMatchObject({
      status: 'pass',
      measurements: [],
      summary: 'same contract, opset 18 runs on onnxruntime 1.30',
    })
    expect(judgement.gateway.taken).toEqual({ v2: 1 })
  })

  test.each<[string, Parameters<typeof checked>, RegExp]>([
    [
      'an answer of another form',
      [{ answer: () => ({ label: 'spam', spam_probability: 0.9 }) }],
      /answer's "label" is string\[\]/,
    ],
    [
      'an answer that lacks an output',
      [{ answer: () => ({ label: 1 }) }],
      /lacks the output "spam_probability"/,
    ],
    ['a request that fails', [{ status: () => 502 }], /pinned to the candidate failed: status 502/],
    [
      'a broken file',
      [answering, spam.subarray(0, 9000)],
      /cannot be read as ONNX: at byte \d+: expected a field of \d+ bytes, found the end/,
    ],
    [
      'outputs that are not in the file',
      [answering, onnxBytes()],
      /no output "label".*no output "spam_probability"/,
    ],
  ])('fails %s, with the reason', async (_, given, reason) => {
    const judgement = await checked(...given)
    expect(judgement.status).toBe('fail')
    expect(judgement.summary).toMatch(reason)
  })

  test('a file that cannot be served is not asked', async () => {
    const judgement = await checked(answering, Buffer.from('junk'))
    expect(judgement.gateway.taken).toEqual({})
  })

  test('a scripted engine has no file, only a contract', async () => {
    const { status } = await checked(answering, spam, { engine: 'echo', artifact: undefined })
    expect(status).toBe('pass')
  })
})
