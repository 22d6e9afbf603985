import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, test } from 'vitest'
import type { ModelContract, VersionSpec } from '../../contracts/index.ts'
import { digestOfBytes, systemClock } from '../../kernel/index.ts'
import { contextFor, runWith } from '../testing/context.ts'
import { onnxBytes } from '../testing/onnx-bytes.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { compatibilityCheck } from './check.ts'
import { contractDiff } from './contract-diff.ts'
import { contractFaults } from './onnx-contract.ts'
import { readOnnxHeader } from './onnx-header.ts'
import { onnxSupport, supportFaults } from './onnx-support.ts'
import { WireError } from './wire-reader.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const spam = readFileSync(new URL('../../../samples/spam/spam-v1.onnx', import.meta.url))

describe('the header of a file', () => {
  test('a model of scikit-learn size', () => {
    expect(readOnnxHeader(spam)).toEqual({
      irVersion: 9,
      producer: 'slipway-samples',
      opsets: { '': 18 },
      inputs: [{ name: 'features', dtype: 'float32', shape: [null, 4096] }],
      outputs: [
        { name: 'label', dtype: 'int64', shape: [null] },
        { name: 'spam_probability', dtype: 'float32', shape: [null] },
      ],
      operators: { Cast: 1, Gemm: 1, Greater: 1, Sigmoid: 1, Squeeze: 1 },
      parameters: 4096 + 3,
      externalData: [],
    })
  })

  test('weights outside the file are named', () => {
    expect(readOnnxHeader(onnxBytes({ external: true })).externalData).toEqual(['weights.bin'])
  })

  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /empty/],
    ['a text', Buffer.from('# not a model\n'), /wire type|number|ends/],
    ['a pickle', Buffer.from([0x80, 4, 0x95, 0x1b, 0, 0, 0, 0, 0, 0, 0]), /./],
    ['no graph', onnxBytes({ graph: false }), /no graph/],
    ['a graph cut off', onnxBytes().subarray(0, 40), /ends inside/],
  ])('%s is refused with its reason', (_, bytes, reason) => {
    expect(() => readOnnxHeader(bytes)).toThrow(WireError)
    expect(() => readOnnxHeader(bytes)).toThrow(reason)
  })

  test('every truncation is refused or read, never a crash', () => {
    const model = onnxBytes()
    let read = 0
    for (let length = 0; length < model.length; length++) {
      try {
        readOnnxHeader(model.subarray(0, length))
        read++
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    }
    expect(read).toBeLessThan(3)
  })

  const mutations = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 8 })
  property.prop([mutations], { numRuns: 3000 })(
    'changed bytes are refused or read, never a crash',
    (changes) => {
      const model = Buffer.from(
        spam.subarray(0, 400).length === 400 ? onnxBytes({ width: 3, opset: 21 }) : [],
      )
      for (const [at, byte] of changes) model[at % model.length] = byte
      try {
        readOnnxHeader(model)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    },
  )

  property.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 3000 })(
    'nor do any bytes crash it',
    (bytes) => {
      try {
        readOnnxHeader(Buffer.from(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    },
  )

  test('graphs inside graphs inside graphs end', () => {
    // An attribute (5) of a node (1) holds a graph (6), again and again.
    let graph = Buffer.alloc(0)
    const wrap = (tag: number, inner: Buffer) => {
      const head: number[] = [tag * 8 + 2]
      for (let rest = inner.length; ; rest >>>= 7) {
        head.push((rest & 127) | (rest > 127 ? 128 : 0))
        if (rest <= 127) break
      }
      return Buffer.concat([Buffer.from(head), inner])
    }
    for (let depth = 0; depth < 500; depth++) graph = wrap(1, wrap(5, wrap(6, graph)))
    expect(() => readOnnxHeader(Buffer.concat([Buffer.from([8, 10]), wrap(7, graph)]))).toThrow(
      /nests deeper/,
    )
  })
})

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
    ['a broken file', [answering, spam.subarray(0, 9000)], /cannot be read as ONNX: it ends inside a field/],
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
