import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { factsOf, type ModelFacts, sourceOf } from '../artifacts/index.ts'
import {
  adapterBytes,
  adapterParameters,
  adaptersOnBase,
  assess,
  compareVersions,
  decodeSpeed,
  engineFeatures,
  engineProfiles,
  featureAnswer,
  featureTable,
  findGpu,
  fitOf,
  gpus,
  knownError,
  kvBytesOfSequence,
  kvBytesPerToken,
  measurements,
  predicted,
  switchMs,
  tensorParallelSizes,
  together,
  trainingNeed,
} from './index.ts'

const config = (value: object): ModelFacts =>
  factsOf(
    sourceOf(
      Buffer.from(JSON.stringify({ model_type: 'x', torch_dtype: 'bfloat16', ...value })),
      'config.json',
    ),
  )
const decoder = (
  layers: number,
  hidden: number,
  heads: number,
  kvHeads: number,
  inner: number,
  vocabulary: number,
  more = {},
) =>
  config({
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: inner,
    vocab_size: vocabulary,
    ...more,
  })
const llama2 = decoder(32, 4096, 32, 32, 11_008, 32_000, { max_position_embeddings: 4096 })
const llama3 = decoder(32, 4096, 32, 8, 14_336, 128_256, { max_position_embeddings: 131_072 })
const llama70 = decoder(80, 8192, 64, 8, 28_672, 128_256, { max_position_embeddings: 131_072 })
const deepseek = config({
  num_hidden_layers: 61,
  hidden_size: 7168,
  num_attention_heads: 128,
  intermediate_size: 18_432,
  moe_intermediate_size: 2048,
  vocab_size: 129_280,
  n_routed_experts: 256,
  n_shared_experts: 1,
  num_experts_per_tok: 8,
  first_k_dense_replace: 3,
  kv_lora_rank: 512,
  q_lora_rank: 1536,
  qk_nope_head_dim: 128,
  qk_rope_head_dim: 64,
  v_head_dim: 128,
})
const KIB = 1024

describe('bytes of the cache', () => {
  test.each<[string, ModelFacts, Parameters<typeof kvBytesPerToken>[1], number]>([
    ['Llama 2 7B keeps half a MiB a token', llama2, 'fp16', 512 * KIB],
    ['Llama 3 8B keeps 128 KiB', llama3, 'fp16', 128 * KIB],
    ['and 64 KiB in fp8', llama3, 'fp8', 64 * KIB],
    ['and 68 KiB in q8_0, with its scales', llama3, 'q8_0', 68 * KIB],
    ['Llama 3 70B keeps 320 KiB', llama70, 'fp16', 320 * KIB],
    // 2 × 40 layers × 40 heads × 128 × 2 bytes; the 800 KB of "13B OPT" in the vLLM paper, arXiv 2309.06180 §3.1.
    ['OPT 13B keeps 800 KiB', decoder(40, 5120, 40, 40, 20_480, 50_272), 'fp16', 800 * KIB],
    // (512 + 64) × 61 × 2 bytes: 68.6 KiB.
    ['DeepSeek-V3 keeps 70,272 bytes', deepseek, 'fp16', 70_272],
  ])('%s', (_, facts, type, bytes) => {
    expect(kvBytesPerToken(facts.attention!, type)).toBe(bytes)
  })

  test('a window stops growing, whole layers do not', () => {
    const gemma = decoder(6, 1152, 4, 1, 6912, 262_144, {
      head_dim: 256,
      sliding_window: 512,
      layer_types: [...Array(5).fill('sliding_attention'), 'full_attention'],
    }).attention!
    const layer = 2 * 256 * 2
    expect(kvBytesOfSequence(gemma, 512)).toBe(6 * 512 * layer)
    expect(kvBytesOfSequence(gemma, 4096)).toBe((5 * 512 + 4096) * layer)
  })

  test('blocks are taken whole', () => {
    expect(kvBytesOfSequence(llama3.attention!, 17, { blockTokens: 16 })).toBe(32 * 128 * KIB)
  })

  test.each([
    [1, 8 * 16 * KIB],
    [4, 2 * 16 * KIB],
    [8, 16 * KIB],
    // One KV head on each GPU is the least, copies beyond that.
    [16, 16 * KIB],
  ])('with %i GPUs each holds its heads', (shards, bytes) => {
    expect(kvBytesPerToken(llama3.attention!, 'fp16', shards)).toBe(bytes)
  })

  test('the compressed vector of MLA is on each GPU', () => {
    expect(kvBytesPerToken(deepseek.attention!, 'fp16', 8)).toBe(70_272)
  })

  property.prop([fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 512 })])(
    'never shrinks with more tokens, and rounds up by less than a block',
    (tokens, blockTokens) => {
      const exact = kvBytesOfSequence(llama3.attention!, tokens)
      const inBlocks = kvBytesOfSequence(llama3.attention!, tokens, { blockTokens })
      expect(inBlocks).toBeGreaterThanOrEqual(exact)
      expect(inBlocks - exact).toBeLessThan(blockTokens * 128 * KIB)
      expect(kvBytesOfSequence(llama3.attention!, tokens + 1)).toBeGreaterThan(exact)
    },
  )
})

describe('does it fit', () => {
  const ask = (facts: ModelFacts, gpu: string, more: Partial<Parameters<typeof fitOf>[0]> = {}) =>
    fitOf({
      facts,
      gpu: findGpu(gpu),
      engine: engineProfiles.vllm,
      gpus: 1,
      contextTokens: 8192,
      concurrency: 1,
      ...more,
    })!

  test.each<[string, ModelFacts, string, number, 'fits' | 'tight' | 'out-of-memory']>([
    ['8 B in 16 bits on 80 GB', llama3, 'h100', 1, 'fits'],
    ['8 B in 16 bits on 16 GB', llama3, 't4', 1, 'out-of-memory'],
    ['70 B in 16 bits on one H100', llama70, 'h100', 1, 'out-of-memory'],
    ['70 B in 16 bits on two', llama70, 'h100', 2, 'tight'],
    ['70 B in 16 bits on four', llama70, 'h100', 4, 'fits'],
    ['70 B in 16 bits on one MI300X', llama70, 'mi300x', 1, 'fits'],
    ['DeepSeek-V3 in 16 bits on eight H200', deepseek, 'h200', 8, 'out-of-memory'],
  ])('%s: %s', (_, facts, gpu, count, risk) => {
    expect(ask(facts, gpu, { gpus: count }).risk).toBe(risk)
  })

  test('what is left holds so many sequences, and one more does not fit', () => {
    const { mostSequences } = ask(llama3, 'l40s')
    expect(ask(llama3, 'l40s', { concurrency: mostSequences! }).risk).not.toBe('out-of-memory')
    // Logits of one more sequence are 0.5 MB; its cache of 8,192 tokens is 1 GiB.
    expect(ask(llama3, 'l40s', { concurrency: mostSequences! + 1 }).risk).toBe('out-of-memory')
  })

  test('the longest context fits, a block more does not', () => {
    const question = { concurrency: 16 }
    const { mostContextTokens } = ask(llama3, 'l40s', question)
    expect(mostContextTokens).toBeLessThan(131_072)
    expect(ask(llama3, 'l40s', { ...question, contextTokens: mostContextTokens! }).risk).not.toBe(
      'out-of-memory',
    )
    expect(ask(llama3, 'l40s', { ...question, contextTokens: mostContextTokens! + 17 }).risk).toBe(
      'out-of-memory',
    )
  })

  test('the parts add up, and halve with two GPUs but for the reserve', () => {
    const one = ask(llama70, 'h200')
    const two = ask(llama70, 'h200', { gpus: 2 })
    const { weights, kv, activations, reserve, total } = one.needs
    expect(weights + kv + activations + reserve).toBe(total)
    expect(weights).toBeCloseTo(2 * 70_553_706_496, -9)
    expect(two.needs.weights).toBe(weights / 2)
    expect(two.needs.kv).toBe(kv / 2)
    expect(two.needs.reserve).toBeGreaterThan(reserve)
  })

  test.each<[string, ModelFacts, number[]]>([
    ['8 KV heads of 32', llama3, [1, 2, 4, 8, 16]],
    ['40 heads, 40 KV heads', decoder(40, 5120, 40, 40, 13_824, 32_000), [1, 2, 4, 5, 8, 10]],
    ['14 heads, 2 KV heads', decoder(24, 896, 14, 2, 4864, 151_936), [1, 2, 14]],
    ['MLA, by its query heads alone', deepseek, [1, 2, 4, 8, 16]],
  ])('groups for %s', (_, facts, sizes) => {
    expect(tensorParallelSizes(facts)).toEqual(sizes)
  })

  test('a table model is not asked about memory that it does not describe', () => {
    const trees = { ...llama3, weightBytes: null, parameters: null }
    expect(
      fitOf({
        facts: trees,
        gpu: findGpu('t4'),
        engine: engineProfiles.vllm,
        gpus: 1,
        contextTokens: 1,
        concurrency: 1,
      }),
    ).toBeNull()
  })
})

describe('how fast', () => {
  test('at least eight published measurements, most of them held out', () => {
    expect(measurements.length).toBeGreaterThanOrEqual(8)
    expect(knownError().rows).toBeGreaterThanOrEqual(20)
  })

  test('decoding is predicted within what the documentation says', () => {
    const decode = knownError(['decode'])
    expect(decode.medianFactor).toBeLessThan(1.1)
    expect(decode.ninetiethFactor).toBeLessThan(1.4)
    expect(knownError().ninetiethFactor).toBeLessThan(1.8)
  })

  test('no measurement is off by more than a factor of 2.5', () => {
    for (const row of measurements) {
      const factor = predicted(row) / row.measured
      expect(Math.max(factor, 1 / factor), `${row.model} ${row.gpu} ${row.kind}`).toBeLessThan(2.5)
    }
  })

  test('one sequence waits for memory, many for arithmetic', () => {
    const question = { facts: llama3, gpu: findGpu('h100'), gpus: 1, contextTokens: 128 }
    expect(decodeSpeed({ ...question, batch: 1 })!.bound).toBe('memory')
    expect(decodeSpeed({ ...question, batch: 4096 })!.bound).toBe('compute')
  })

  property.prop([fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 60_000 })])(
    'a larger batch gives more tokens in all and fewer to each; a longer context slows',
    (batch, contextTokens) => {
      const speed = (sequences: number, tokens: number) =>
        decodeSpeed({
          facts: llama3,
          gpu: findGpu('h100'),
          gpus: 1,
          batch: sequences,
          contextTokens: tokens,
        })!
      expect(speed(batch + 1, contextTokens).tokensPerS).toBeLessThan(speed(batch, contextTokens).tokensPerS)
      expect(speed(batch + 1, contextTokens).totalTokensPerS).toBeGreaterThan(
        speed(batch, contextTokens).totalTokensPerS,
      )
      expect(speed(batch, contextTokens + 100).stepMs).toBeGreaterThanOrEqual(
        speed(batch, contextTokens).stepMs,
      )
    },
  )

  test('of a mixture one token reads its experts, many tokens nearly all', () => {
    const mixtral = decoder(32, 4096, 32, 8, 14_336, 32_000, { num_local_experts: 8, num_experts_per_tok: 2 })
    const stepMs = (batch: number) =>
      decodeSpeed({ facts: mixtral, gpu: findGpu('h200'), gpus: 1, batch, contextTokens: 1 })!.stepMs
    // 12.9 of 46.7 B parameters are read for one token; all but (3/4)^64 of the experts for 64.
    expect(stepMs(64) / stepMs(1)).toBeGreaterThan(3)
  })
})

describe('training', () => {
  const ask = (facts: ModelFacts, gpu: string, kind: 'full' | 'lora' | 'qlora', rank = 16) =>
    trainingNeed({
      facts,
      gpu: findGpu(gpu),
      kind,
      tokens: 10e6,
      sequenceTokens: 512,
      batch: 1,
      rank,
      usdPerHour: 2,
    })!

  test('7 B in full take 16 bytes a parameter', () => {
    expect(ask(llama2, 'a100-80', 'full').needs.trained).toBe(16 * 6_738_415_616)
    expect(ask(llama2, 'a100-80', 'full').gpus).toBe(2)
  })

  test('65 B by QLoRA fit on one GPU of 48 GB, as arXiv 2305.14314 reports (there with moments paged out)', () => {
    const llama65 = decoder(80, 8192, 64, 64, 22_016, 32_000)
    expect(llama65.parameters! / 1e9).toBeCloseTo(65.3, 1)
    expect(ask(llama65, 'rtx-a6000', 'qlora')).toMatchObject({ gpus: 1 })
    expect(ask(llama65, 'rtx-a6000', 'lora').gpus).toBeGreaterThan(2)
  })

  test('rank 16 on all linear layers of Llama 3 8B are 41.9 M parameters', () => {
    // 32 × 16 × (2·8192 + 2·5120 + 3·18432), the number that PEFT prints as trainable for it.
    expect(adapterParameters(llama3, 16)).toBe(41_943_040)
  })

  test('costs hours times GPUs times price, and nothing without one', () => {
    const { hours, gpus: count, costUsd } = ask(llama3, 'h100', 'lora')
    expect(costUsd).toBeCloseTo(hours * count * 2)
    expect(hours).toBeCloseTo((10e6 * 8_030_261_248 * 6) / (count * 989e12 * 0.4) / 3600)
  })
})

describe('several on one GPU', () => {
  const tenant = (name: string, facts: ModelFacts) => ({ name, facts, contextTokens: 4096, concurrency: 4 })
  test('a teacher and its student fit on 80 GB, two teachers of 16 bits on 40 do not', () => {
    const student = decoder(16, 2048, 32, 8, 8192, 128_256)
    const both = together(
      [tenant('teacher', llama3), tenant('student', student)],
      findGpu('h100'),
      engineProfiles.vllm,
    )!
    expect(both.fits).toBe(true)
    expect(both.usedBytes).toBe(both.tenants[0]!.bytes + both.tenants[1]!.bytes)
    expect(
      together([tenant('a', llama3), tenant('b', llama3)], findGpu('a100-40'), engineProfiles.vllm)!.fits,
    ).toBe(false)
  })

  test('adapters take the place of sequences', () => {
    const on = adaptersOnBase(tenant('base', llama3), findGpu('l40s'), engineProfiles.vllm, {
      rank: 16,
      wanted: 8,
    })!
    expect(on.bytesEach).toBe(2 * 41_943_040)
    // 8 × 84 MB against 4,096 tokens × 128 KiB.
    expect(on.sequencesLost).toBeCloseTo((8 * adapterBytes(llama3, 16)!) / (4096 * 128 * KIB))
    expect(on.most).toBeGreaterThan(8)
  })

  test('switching reads all weights again', () => {
    expect(switchMs(16e9, findGpu('l40s'))).toEqual({
      fromDiskMs: 16e9 / 3e6,
      fromHostMs: 16e9 / (64e6 * 0.4),
    })
  })
})

describe('what engines can do', () => {
  test.each<[string, Parameters<typeof featureAnswer>, object]>([
    ['said of it', ['vllm', '0.20.0', 'structured-output'], { answer: 'supported' }],
    ['the newest, where no version is named', ['vllm', null, 'speculative-draft'], { answer: 'supported' }],
    [
      'brought by a later version',
      ['vllm', '0.4.0', 'chunked-prefill'],
      { answer: 'supported-from', from: '0.4.2' },
    ],
    [
      'gone for a while',
      ['vllm', '0.12.0', 'speculative-draft'],
      { answer: 'supported-from', from: '0.19.1', line: expect.stringContaining('NotImplementedError') },
    ],
    [
      'older than any page that was read',
      ['vllm', '0.3.0', 'multi-lora'],
      { answer: 'unknown', line: expect.stringContaining('not looked at') },
    ],
    ['not its format', ['tensorrt-llm', '1.2.0', 'gguf'], { answer: 'not-supported' }],
    [
      'not on such a GPU',
      ['tensorrt-llm', '1.2.0', 'fp8', findGpu('a100')],
      {
        answer: 'not-supported',
        line: expect.stringContaining('needs compute capability 8.9, NVIDIA A100 SXM 80 GB has 8.0'),
      },
    ],
    ['weights alone on an older one', ['vllm', '0.32.0', 'fp8', findGpu('a100')], { answer: 'supported' }],
    [
      'not on AMD',
      ['sglang', '0.5.2', 'gguf', findGpu('mi300x')],
      { answer: 'not-supported', line: expect.stringContaining('not on AMD') },
    ],
    ['an engine by another name', ['triton-trtllm', null, 'tensor-parallel'], { answer: 'supported' }],
    ['nothing known', ['tgi', '3.0.0', 'expert-parallel'], { answer: 'unknown', source: null }],
    [
      'no such engine',
      ['mystery', null, 'lora'],
      { answer: 'unknown', line: expect.stringContaining('no engine "mystery"') },
    ],
  ])('%s', (_, question, answer) => {
    expect(featureAnswer(...question)).toMatchObject(answer)
  })

  test('every row has a page, a day and a version; every engine says what it loads', () => {
    for (const [engine, rows] of Object.entries(featureTable)) {
      expect(rows.length, engine).toBeGreaterThan(8)
      for (const row of rows) {
        expect(engineFeatures).toContain(row.feature)
        expect(row.source, `${engine} ${row.feature}`).toMatch(/^https:\/\//)
        expect(row.readAt).toMatch(/^\d{4}-\d\d-\d\d$/)
        expect(row.from).toMatch(/\d/)
      }
    }
  })

  test.each([
    ['0.10.0', '0.9.2', 1],
    ['b7900', 'b6413', 1],
    ['1.0', '1.0.0', 0],
    ['8.9', '10.0', -1],
  ])('%s against %s', (left, right, sign) => {
    expect(compareVersions(left, right)).toBe(sign)
  })
})

describe('the table of GPUs', () => {
  test('has 25 kinds, each with a page and sane numbers', () => {
    expect(gpus.length).toBeGreaterThanOrEqual(25)
    expect(new Set(gpus.map(({ id }) => id)).size).toBe(gpus.length)
    for (const gpu of gpus) {
      expect(gpu.datasheet).toMatch(/^https:\/\//)
      // Between 25 (H20) and 650 (RTX 5000 Ada) operations a byte in 16 bits.
      expect(gpu.flops.fp16 / gpu.bandwidthBytesPerS, gpu.id).toBeGreaterThan(25)
      expect(gpu.flops.fp16 / gpu.bandwidthBytesPerS, gpu.id).toBeLessThan(650)
      if (gpu.flops.fp8 !== null) expect(gpu.flops.fp8 / gpu.flops.fp16).toBeCloseTo(2, 0)
      if (gpu.price !== null)
        expect(gpu.price).toMatchObject({
          source: expect.stringMatching(/^https/),
          readAt: expect.any(String),
        })
    }
  })

  test.each([
    ['H100', 'h100'],
    ['NVIDIA A100 SXM 80 GB', 'a100-80'],
    ['rtx4090', 'rtx-4090'],
    ['MI300X', 'mi300x'],
  ])('%s is found', (name, id) => {
    expect(findGpu(name).id).toBe(id)
  })

  test('one that is not there is told with what is near', () => {
    expect(() => findGpu('a100-160')).toThrow(/No GPU is called "a100-160"; known: t4/)
    expect(() => findGpu('ada')).toThrow(/near it: rtx-4000-ada/)
  })
})

describe('all of it together', () => {
  test('the smallest group that holds the model is taken', () => {
    const assessment = assess({ facts: llama70, gpu: findGpu('h100'), concurrency: 8, contextTokens: 8192 })
    expect(assessment).toMatchObject({ engine: 'vllm', fit: { gpus: 4, risk: 'fits' }, faults: [] })
    expect(assessment.speed!.atConcurrency).toBeGreaterThan(assessment.speed!.alone)
    // $2.29 an hour and GPU, four of them.
    expect(assessment.speed!.usdPerMillionTokens).toBeCloseTo(
      (2.29 * 4 * 1e6) / (3600 * assessment.speed!.atConcurrency),
    )
  })

  test.each<[string, Partial<Parameters<typeof assess>[0]>, RegExp]>([
    [
      'more context than the model takes',
      { facts: llama2, contextTokens: 8192 },
      /8192 tokens of context are asked for, the model takes 4096/,
    ],
    [
      'an engine that does not load it',
      { facts: llama3, engine: 'llama.cpp' },
      /llama\.cpp does not have safetensors/,
    ],
    [
      'a feature that came later',
      { facts: llama3, engine: 'vllm', engineVersion: '0.12.0', features: ['speculative-draft'] },
      /vllm 0\.12\.0 does not have speculative-draft, 0\.19\.1 does/,
    ],
    [
      'too large for what is named',
      { facts: llama70, gpu: findGpu('l4'), gpus: 1 },
      /131\.4 GiB.*|GiB are needed on each of 1 × NVIDIA L4, 21\.6 GiB may be used; not one sequence/,
    ],
  ])('%s is a fault', (_, question, fault) => {
    expect(assess({ facts: llama3, ...question }).faults.join('; ')).toMatch(fault)
  })

  test('what is not known is a warning, not a fault', () => {
    const { faults, warnings } = assess({
      facts: llama3,
      engine: 'ollama',
      engineVersion: '0.9.0',
      features: ['expert-parallel'],
    })
    expect(faults).toEqual([])
    expect(warnings.join('; ')).toMatch(/whether the engine has expert-parallel is not known/)
  })
})
