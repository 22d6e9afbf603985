import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { factsOf, type ModelFacts, sourceOf } from '../../artifacts/index.ts'
import {
  type LlamaSettings,
  llamaSettings,
  textContract,
  type VersionSpec,
  vllmSettings,
} from '../../contracts/index.ts'
import { digestOfBytes, systemClock } from '../../kernel/index.ts'
import { contextFor, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { compatibilityCheck } from './check.ts'
import { textDiff } from './text-diff.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const files = join(import.meta.dirname, '../../artifacts/testing/files')
const file = (name: string) => readFileSync(join(files, name))
const [llama, mixture, lora] = [file('llama-q8.gguf'), file('moe-q4.gguf'), file('lora.gguf')]
/** The same file with the vocabulary's last token gone. */
const fewerTokens = (() => {
  const bytes = Buffer.from(llama)
  const at = bytes.indexOf('tokenizer.ggml.tokens') + 'tokenizer.ggml.tokens'.length
  // Type of the array, type of its elements, then its length; the last text becomes the next key's bytes.
  bytes.writeBigUInt64LE(63n, at + 8)
  return bytes
})()
const ref = (bytes: Buffer, name: string) => ({ digest: digestOfBytes(bytes), name })
const answering: ScriptedVersion = { answer: () => ({ text: 'hello' }) }

async function checked(
  candidate: Partial<VersionSpec>,
  more: readonly Buffer[] = [],
  champion: Partial<VersionSpec> = {},
) {
  const gateway = await scriptedGateway({ v1: answering, v2: answering })
  opened.push(gateway)
  const spec = { engine: 'llama' as const, artifact: ref(llama, 'm.gguf') }
  const context = contextFor({
    gatewayUrl: gateway.url,
    contract: textContract,
    items: [{ id: 'a', inputs: { prompt: 'hello' }, label: 'hello' }],
    champion: { ...spec, ...champion },
    candidate: { ...spec, ...candidate },
    artifacts: Object.fromEntries([llama, ...more].map((bytes) => [digestOfBytes(bytes), bytes])),
  })
  const check = compatibilityCheck(systemClock)
  const plan = await check.plan(context)
  const { run } = runWith()
  const raw = JSON.parse(JSON.stringify(await check.measure(context, plan, run)))
  return { ...check.analyse(plan.plan, raw), gateway }
}

const settings = (value: object): LlamaSettings => llamaSettings.parse(value)

describe('a version of text', () => {
  test('passes with its form and runtime, and was asked once', async () => {
    const judgement = await checked({})
    expect(judgement).toMatchObject({
      status: 'pass',
      summary: 'same contract, gguf Q8_0 0.000 B parameters runs on node-llama-cpp 3.22.1',
    })
    expect(judgement.gateway.taken).toEqual({ v2: 1 })
  })

  test('what its engine can do is in the details, each with its page', async () => {
    const { details } = await checked({
      llama: settings({ contextTokens: 512, speculation: { kind: 'prompt-lookup' } }),
    })
    expect(details.features).toMatchObject([
      { feature: 'gguf', answer: 'supported', source: expect.stringMatching(/^https/) },
      { feature: 'speculative-ngram', answer: 'supported' },
    ])
  })

  test.each<[string, Partial<VersionSpec>, Buffer[], RegExp]>([
    [
      'a file that is no GGUF',
      { artifact: ref(file('softmax.onnx'), 'm.onnx') },
      [file('softmax.onnx')],
      /the file is onnx, and the engine llama runs GGUF/,
    ],
    [
      'a pickle',
      { artifact: ref(file('calls.pkl'), 'm.pkl') },
      [file('calls.pkl')],
      /cannot be read: it would call posix\.system/,
    ],
    [
      'a file cut off',
      { artifact: ref(llama.subarray(0, 5000), 'm.gguf') },
      [llama.subarray(0, 5000)],
      /cannot be read: at byte \d+: expected/,
    ],
    ['an adapter alone', { artifact: ref(lora, 'm.gguf') }, [lora], /the file is an adapter/],
    [
      'more context than the model takes',
      { llama: settings({ contextTokens: 1024 }) },
      [],
      /1024 tokens of context are asked for, the model takes 512/,
    ],
    [
      'less context than the champion gives',
      { llama: settings({ contextTokens: 256 }) },
      [],
      /a request may use 256 tokens where it could use 512/,
    ],
    [
      'an adapter that is none',
      {
        llama: settings({ contextTokens: 512, loras: [{ name: 'tone', artifact: ref(mixture, 'l.gguf') }] }),
      },
      [mixture],
      /the file of the adapter tone is none/,
    ],
    [
      'a draft of another vocabulary',
      {
        llama: settings({
          contextTokens: 512,
          speculation: { kind: 'draft', artifact: ref(lora, 'd.gguf') },
        }),
      },
      [lora],
      /the draft model has \? tokens, the model 64/,
    ],
  ])('%s fails it, and nothing is asked', async (_, candidate, more, reason) => {
    const judgement = await checked(candidate, more)
    expect(judgement.status).toBe('fail')
    expect(judgement.summary).toMatch(reason)
    expect(judgement.gateway.taken).toEqual({})
  })

  test('adapters and a draft of the same kind pass', async () => {
    const { status } = await checked(
      {
        llama: settings({
          contextTokens: 512,
          loras: [{ name: 'tone', artifact: ref(lora, 'l.gguf') }],
          speculation: { kind: 'draft', artifact: ref(mixture, 'd.gguf') },
        }),
      },
      [lora, mixture],
    )
    expect(status).toBe('pass')
  })

  test('another quantisation is told and does not fail it', async () => {
    const { status, details } = await checked({ artifact: ref(mixture, 'm.gguf') }, [mixture])
    expect(status).toBe('pass')
    expect(details.notes).toContain('weights are Q4_0, Q8_0 before')
  })

  test('a server of its own is held against the table of features', async () => {
    const server = (value: object) => vllmSettings.parse({ weights: 'some/model', ...value })
    const { status, summary } = await checked({
      engine: 'vllm',
      artifact: undefined,
      vllm: server({ serverVersion: '0.12.0', speculative: { method: 'draft_model', model: 'x' } }),
    })
    expect(status).toBe('fail')
    expect(summary).toMatch(/vllm 0\.12\.0 does not have speculative-draft, 0\.19\.1 does/)
    const passes = await checked({
      engine: 'vllm',
      artifact: undefined,
      vllm: server({ tensorParallel: 2, prefixCaching: true }),
    })
    expect(passes).toMatchObject({
      status: 'pass',
      details: { features: [{ answer: 'supported' }, { answer: 'supported' }, { answer: 'supported' }] },
    })
  })

  test('a model that runs elsewhere needs no file', async () => {
    const { status, gateway } = await checked({
      engine: 'openai',
      artifact: undefined,
      provider: 'openai',
      modelName: 'x',
    })
    expect(status).toBe('pass')
    expect(gateway.taken).toEqual({ v2: 1 })
  })
})

describe('two files of text against each other', () => {
  const facts = (bytes: Buffer) => factsOf(sourceOf(bytes, 'm.gguf'))
  const before = { facts: facts(llama), contextTokens: 512 }
  test.each<[string, Partial<ModelFacts>, number | null, RegExp | undefined, RegExp | undefined]>([
    ['equal', {}, 512, undefined, undefined],
    ['more context', {}, 1024, undefined, /may use 1024 tokens, 512 before/],
    ['less context', {}, 100, /may use 100 tokens where it could use 512/, undefined],
    ['a context nobody names', {}, null, undefined, undefined],
    [
      'another template',
      { chatTemplate: '{% for m in messages %}{{ m.content }}{% endfor %}' },
      512,
      undefined,
      /template differs from character 28 on/,
    ],
    ['no template', { chatTemplate: null }, 512, undefined, /no chat template/],
    [
      'another end',
      { specialTokens: { bos: { id: 1, text: '<s>' }, eos: { id: 7, text: '<end>' } } },
      512,
      undefined,
      /the eos token is <end> \(7\), <\/s> \(2\) before/,
    ],
    ['another vocabulary', { vocabulary: 99 }, 512, undefined, /99 tokens, 64 before/],
    ['another architecture', { architecture: 'qwen2' }, 512, undefined, /qwen2, llama before/],
  ])('%s', (_, change, contextTokens, breaking, note) => {
    const diff = textDiff(before, { facts: { ...before.facts, ...change }, contextTokens })
    expect(diff.breaking.join()).toMatch(breaking ?? /^$/)
    expect(diff.notes.join()).toMatch(note ?? /^$/)
  })

  test('a file whose count of tokens lies is not read as another one', () => {
    expect(() => facts(fewerTokens)).toThrow(/artifact|expected/)
  })
})
