import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type ForeignSetting,
  foreignSupport,
  type VllmSettings,
  vllmSettings,
} from '../../contracts/index.ts'
import type { ForeignPlace } from './foreign-kind.ts'
import { foreignKinds, servedNameOf } from './foreign-kinds.ts'

/** What is recorded about the real servers; see the sources in each file. */
interface Facts {
  readonly settings: Readonly<
    Record<
      string,
      {
        flag?: string
        off?: string
        environment?: string
        choices?: readonly string[]
        keys?: readonly string[]
        with?: string
        choicesByVersion?: Readonly<Record<string, readonly string[]>>
      }
    >
  >
  readonly own: readonly string[]
  readonly switches: readonly string[]
  readonly flags: Readonly<Record<string, readonly string[]>>
  readonly endpoints: { health: string; metrics: string }
}

const servers = ['vllm', 'tgi', 'triton-trtllm'] as const
const facts = Object.fromEntries(
  servers.map((server) => [
    server,
    JSON.parse(
      readFileSync(new URL(`../../../test/foreign/facts/${server}.json`, import.meta.url), 'utf8'),
    ) as Facts,
  ]),
) as Record<(typeof servers)[number], Facts>

const place: ForeignPlace = {
  host: '127.0.0.1',
  ports: [4001, 4002, 4003],
  servedName: 'chat',
  key: 'the-key',
  scratchFolder: '/tmp/s',
}

const samples: Readonly<Record<ForeignSetting, unknown>> = {
  chunkedPrefill: true,
  dtype: 'bfloat16',
  gpuMemoryShare: 0.85,
  kvCacheDtype: 'fp8_e5m2',
  loras: [
    { name: 'sql', path: '/loras/sql' },
    { name: 'law', path: '/loras/law' },
  ],
  maxModelTokens: 8192,
  maxSequences: 64,
  pipelineParallel: 2,
  prefixCaching: false,
  quantization: 'awq',
  speculative: { num_speculative_tokens: 4 },
  tensorParallel: 4,
}

function commandOf(given: Partial<VllmSettings> & { server?: (typeof servers)[number] }) {
  const settings = vllmSettings.parse({ weights: '/models/llama', ...given })
  return foreignKinds[settings.server].command(settings, place)
}

describe.each([
  ['chunkedPrefill', { chunkedPrefill: true }, ['--enable-chunked-prefill'], { PREFILL_CHUNKING: '1' }],
  [
    'no chunkedPrefill',
    { chunkedPrefill: false },
    ['--no-enable-chunked-prefill'],
    { PREFILL_CHUNKING: '0' },
  ],
  ['prefixCaching', { prefixCaching: true }, ['--enable-prefix-caching'], { PREFIX_CACHING: '1' }],
  ['no prefixCaching', { prefixCaching: false }, ['--no-enable-prefix-caching'], { PREFIX_CACHING: '0' }],
  ['dtype', { dtype: 'float16' }, ['--dtype', 'float16'], ['--dtype', 'float16']],
  [
    'gpuMemoryShare',
    { gpuMemoryShare: 0.8 },
    ['--gpu-memory-utilization', '0.8'],
    ['--cuda-memory-fraction', '0.8'],
  ],
  [
    'kvCacheDtype',
    { kvCacheDtype: 'fp8_e5m2' },
    ['--kv-cache-dtype', 'fp8_e5m2'],
    ['--kv-cache-dtype', 'fp8_e5m2'],
  ],
  ['maxModelTokens', { maxModelTokens: 4096 }, ['--max-model-len', '4096'], ['--max-total-tokens', '4096']],
  ['maxSequences', { maxSequences: 32 }, ['--max-num-seqs', '32'], ['--max-batch-size', '32']],
  ['quantization', { quantization: 'awq' }, ['--quantization', 'awq'], ['--quantize', 'awq']],
  [
    'speculative',
    { speculative: { num_speculative_tokens: 3 } },
    ['--speculative-config', '{"num_speculative_tokens":3}'],
    ['--speculate', '3'],
  ],
  ['tensorParallel', { tensorParallel: 2 }, ['--tensor-parallel-size', '2'], ['--num-shard', '2']],
  [
    'loras',
    {
      loras: [
        { name: 'a', path: '/a' },
        { name: 'b', path: 'hub/b' },
      ],
    },
    ['--enable-lora', '--lora-modules', 'a=/a', 'b=hub/b'],
    ['--lora-adapters', 'a=/a,b=hub/b'],
  ],
] as [string, Partial<VllmSettings>, string[], string[] | Record<string, string>][])(
  'the setting %s',
  (_, given, vllm, tgi) => {
    test('of vllm', () => {
      expect(commandOf(given).arguments).toEqual([...commandOf({}).arguments, ...vllm])
    })
    test('of tgi', () => {
      const usual = commandOf({ server: 'tgi' })
      const made = commandOf({ ...given, server: 'tgi' })
      if (Array.isArray(tgi)) expect(made.arguments).toEqual([...usual.arguments, ...tgi])
      else expect(made).toEqual({ ...usual, environment: { ...usual.environment, ...tgi } })
    })
  },
)

test('pipelineParallel is vLLM’s alone', () => {
  expect(commandOf({ pipelineParallel: 2 }).arguments.slice(-2)).toEqual(['--pipeline-parallel-size', '2'])
})

test('what a server is started with besides: loopback, its port, its name, and a key that no argument shows', () => {
  expect(commandOf({})).toEqual({
    arguments: ['/models/llama', '--host', '127.0.0.1', '--port', '4001', '--served-model-name', 'chat'],
    environment: { VLLM_API_KEY: 'the-key', PYTHONUNBUFFERED: '1' },
  })
  expect(commandOf({ server: 'tgi' })).toEqual({
    arguments: [
      ...['--model-id', '/models/llama', '--hostname', '127.0.0.1', '--port', '4001'],
      ...['--prometheus-port', '4002', '--master-port', '4003', '--shard-uds-path', '/tmp/s/shard'],
    ],
    environment: { API_KEY: 'the-key' },
  })
  expect(commandOf({ server: 'triton-trtllm' })).toEqual({
    arguments: [
      ...['--model-repository', '/models/llama', '--backend', 'tensorrtllm'],
      ...['--host', '127.0.0.1', '--openai-port', '4001'],
    ],
    environment: { TRTLLM_ORCHESTRATOR: '1', PYTHONUNBUFFERED: '1' },
  })
})

describe.each(servers)('%s as it is recorded', (server) => {
  const { endpoints, flags, own, settings, switches } = facts[server]
  const supported = (Object.keys(samples) as ForeignSetting[]).filter(
    (setting) => typeof foreignSupport[server][setting] !== 'string',
  )

  test('has every setting that is offered, and no other', () => {
    expect(Object.keys(settings).toSorted()).toEqual(supported.toSorted())
  })

  test.each(Object.keys(flags))('release %s knows every flag that is written', (release) => {
    const all = Object.fromEntries(supported.map((setting) => [setting, samples[setting]]))
    const made = commandOf({ server, ...all })
    const written = made.arguments.filter((word) => word.startsWith('--'))
    expect(written.length).toBeGreaterThanOrEqual(own.length)
    for (const flag of written) {
      const positive = switches.includes(flag.replace(/^--no-/, '--')) ? flag.replace(/^--no-/, '--') : flag
      expect(flags[release]).toContain(positive)
    }
    for (const { environment, flag, off } of Object.values(settings)) {
      if (environment !== undefined) expect(made.environment).toHaveProperty(environment)
      else expect([flag, off].some((each) => each !== undefined && written.includes(each))).toBe(true)
    }
  })

  test('is asked for health and metrics where it has them', () => {
    const { healthPath, metricsPath } = foreignKinds[server]
    expect({ health: healthPath, metrics: metricsPath }).toEqual({
      health: endpoints.health,
      metrics: endpoints.metrics,
    })
  })

  test('knows the values and keys that are let through', () => {
    for (const setting of supported) {
      const support = foreignSupport[server][setting]
      if (typeof support === 'string') continue
      if (support.values !== undefined) expect(support.values).toEqual(settings[setting]?.choices)
      if (support.keys !== undefined) expect(support.keys).toEqual(settings[setting]?.keys)
      for (const [value, since] of Object.entries(support.valuesSince ?? {})) {
        const recorded = settings[setting]?.choicesByVersion ?? {}
        const releases = Object.keys(recorded)
        expect(releases.find((release) => recorded[release]?.includes(value))).toBe(since)
      }
    }
  })
})

describe('a setting that the server does not have is refused by name', () => {
  test.each([
    [{ server: 'tgi', pipelineParallel: 2 }, 'pipelineParallel', /^tgi has no pipelineParallel: /],
    [{ server: 'tgi', dtype: 'float32' }, 'dtype', /^tgi knows the dtype float16, bfloat16, not float32\.$/],
    [{ server: 'tgi', quantization: 'modelopt' }, 'quantization', /not modelopt/],
    [
      { server: 'tgi', speculative: { method: 'ngram' } },
      'speculative',
      /only num_speculative_tokens, not method/,
    ],
    [
      { server: 'triton-trtllm', dtype: 'auto' },
      'dtype',
      /^triton-trtllm has no dtype: it is set in model\.yaml/,
    ],
    [{ server: 'triton-trtllm', loras: [{ name: 'a', path: '/a' }] }, 'loras', /has no loras/],
    [{ serverVersion: '0.7.3' }, 'serverVersion', /^vllm 0\.7\.3 has other flags .* 0\.8\.5 is the oldest/],
    [
      { serverVersion: '0.10.2', kvCacheDtype: 'bfloat16' },
      'kvCacheDtype',
      /^vllm knows the kvCacheDtype bfloat16 since 0\.11\.0, and this is 0\.10\.2\.$/,
    ],
  ])('%o', (given, setting, reason) => {
    const { error, success } = vllmSettings.safeParse({ weights: 'w', ...given })
    expect(success).toBe(false)
    expect(error?.issues).toHaveLength(1)
    expect(error?.issues[0]).toMatchObject({ path: [setting], message: expect.stringMatching(reason) })
  })

  test('and one that it has is not', () => {
    for (const given of [
      { serverVersion: '0.11.0', kvCacheDtype: 'bfloat16' },
      { serverVersion: '0.10.2rc1', kvCacheDtype: 'fp8' },
      { kvCacheDtype: 'bfloat16' },
      { server: 'tgi', loras: [] },
      { server: 'triton-trtllm' },
    ])
      expect(vllmSettings.safeParse({ weights: 'w', ...given }).error).toBeUndefined()
  })

  test('nor can a name be read as a flag', () => {
    expect(vllmSettings.safeParse({ weights: '--trust-remote-code' }).success).toBe(false)
    expect(vllmSettings.safeParse({ weights: 'w', loras: [{ name: 'a', path: '--host' }] }).success).toBe(
      false,
    )
    expect(vllmSettings.safeParse({ weights: 'w', loras: [{ name: '-a', path: '/a' }] }).success).toBe(false)
  })
})

test('weights are known by what requests ask for, and by the model’s name where those ask for an adapter', () => {
  const settings = vllmSettings.parse({ weights: 'w', loras: [{ name: 'sql', path: '/sql' }] })
  expect(servedNameOf('chat', undefined, settings)).toBe('chat')
  expect(servedNameOf('chat', 'llama-3', settings)).toBe('llama-3')
  expect(servedNameOf('chat', 'sql', settings)).toBe('chat')
})
