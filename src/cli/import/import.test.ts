import { readFileSync } from 'node:fs'
import { fc, test as propertyTest } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import {
  ladder,
  limitRule,
  newProvider,
  newVersion,
  priceOverride,
  servingPolicy,
} from '../../contracts/index.ts'
import { ladderFaults } from '../../routing/index.ts'
import { parseModelFile } from '../../sdk/index.ts'
import { perMillion } from './decimal.ts'
import { filesOf, type Imported, isWhole, stepsOf } from './imported.ts'
import { importLiteLlm } from './litellm.ts'
import { importPortkey } from './portkey.ts'

const env = (name: string) => `\${env:${name}}`
const TODAY = '2026-01-02'
const litellm = (config: object | string) =>
  importLiteLlm(typeof config === 'string' ? config : stringify(config), {
    file: 'config.yaml',
    today: TODAY,
  })
const portkey = (config: object) => importPortkey(JSON.stringify(config), { file: 'c.json', model: 'Chat 1' })
const sample = readFileSync('samples/llm/litellm.yaml', 'utf8')

const deployment = (params: object, name = 'chat', rest: object = {}) => ({
  model_name: name,
  litellm_params: { model: 'openai/gpt-4o', ...params },
  ...rest,
})
const lineOf = (imported: Imported, path: string) => imported.report.find((line) => line.path === path)

/** All that a folder would hold is what the commands take. */
function acceptable(imported: Imported): void {
  const files = filesOf(imported)
  for (const [name, text] of files)
    if (name === 'providers.yaml') for (const one of parse(text)) newProvider.parse(one)
    else if (name === 'limits.yaml') for (const one of parse(text)) limitRule.parse(one)
    else if (name === 'prices.yaml') for (const one of parse(text)) priceOverride.parse(one)
    else if (name.startsWith('models/')) parseModelFile(text).champion.spec(new Map())
    else if (name.startsWith('versions/')) newVersion.parse(JSON.parse(text))
    else {
      const policy = servingPolicy.parse(parse(text))
      if (policy.ladder !== undefined) expect(ladderFaults(ladder.parse(policy.ladder))).toEqual([])
    }
  for (const { versions } of imported.models)
    expect(versions.reduce((sum, { sharePercent }) => sum + sharePercent, 0)).toBeCloseTo(100, 9)
}

describe('litellm', () => {
  test('a configuration as they are written becomes files that the commands take', () => {
    const imported = litellm(sample)
    acceptable(imported)
    expect(isWhole(imported)).toBe(false)
    expect(
      imported.models.map(({ model, versions }) => [model, versions.map((one) => one.sharePercent)]),
    ).toEqual([
      ['gpt-4o', [50, 50]],
      ['claude-3-5', [100]],
      ['local', [100]],
    ])
    expect(imported.providers[0]?.accounts).toEqual([
      { name: 'a1', key: env('OPENAI_API_KEY_EU'), weight: 3 },
      { name: 'a2', key: env('OPENAI_API_KEY_US') },
    ])
    expect(imported.prices).toMatchObject([
      { model: 'gpt-4o', prices: { input: '2.5', output: '10' }, from: TODAY },
    ])
    expect(lineOf(imported, 'litellm_settings.drop_params')).toMatchObject({
      line: 48,
      outcome: 'not-preserved',
    })
    expect(stepsOf(imported)).toContain('slipway traffic set gpt-4o v1=50 v2=50')
  })

  test.each([
    ['openai', 'openai/gpt-4o', {}, { kind: 'openai' }],
    ['a name alone', 'gpt-4o', {}, { kind: 'openai' }],
    [
      'openai at an address',
      'openai/x',
      { api_base: 'https://llm.example.com/v1/' },
      { kind: 'openai-compatible', baseUrl: 'https://llm.example.com/v1' },
    ],
    [
      'ollama',
      'ollama/llama3',
      { api_base: 'http://localhost:11434' },
      { kind: 'ollama', baseUrl: 'http://localhost:11434/v1', allowInner: true },
    ],
    [
      'a prefix without kind, at an address',
      'nvidia_nim/x',
      { api_base: 'https://n.example.com/v1' },
      { kind: 'openai-compatible' },
    ],
    [
      'an address in the environment',
      'azure/x',
      { api_base: 'os.environ/AZURE_BASE' },
      { kind: 'azure-openai', baseUrl: 'https://address-to-set.invalid' },
    ],
    [
      'bedrock',
      'bedrock/converse/us.amazon.nova',
      { aws_region_name: 'eu-west-1' },
      {
        kind: 'bedrock',
        accounts: [
          {
            name: 'a1',
            region: 'eu-west-1',
            key: env('AWS_ACCESS_KEY_ID'),
            secret: env('AWS_SECRET_ACCESS_KEY'),
          },
        ],
      },
    ],
    ['vertex', 'vertex_ai/gemini-2.0', { vertex_project: 'p' }, { kind: 'vertex', project: 'p' }],
    ['Anthropic on Vertex', 'vertex_ai/claude-3', { vertex_project: 'p' }, { kind: 'vertex', project: 'p' }],
    [
      'times',
      'openai/gpt-4o',
      { timeout: 1.5, stream_timeout: 2, max_retries: 0 },
      { timeouts: { totalMs: 1500, firstContentMs: 2000 }, maxRetries: 0 },
    ],
  ])('%s', (_, model, params, expected) => {
    const imported = litellm({ model_list: [deployment({ model, ...params })] })
    acceptable(imported)
    expect(imported.providers).toMatchObject([expected])
  })

  test.each([
    ['a pattern', deployment({ model: 'openai/*' }), 'pattern'],
    ['a name by pattern', deployment({}, 'openai/*'), 'pattern'],
    ['a provider without kind', deployment({ model: 'sagemaker/x' }), 'api_base'],
    ['another vendor on Vertex', deployment({ model: 'vertex_ai/llama-3' }), 'Google'],
    ['no parameters', { model_name: 'a' }, 'litellm_params'],
  ])('%s is left out and says so', (_, entry, word) => {
    const imported = litellm({ model_list: [entry] })
    expect(imported.models).toEqual([])
    expect(imported.report.every(({ outcome }) => outcome === 'not-preserved')).toBe(true)
    expect(imported.report.map(({ why }) => why).join()).toContain(word)
  })

  test('rates are limits by usage-based routing, and weights by a shuffle', () => {
    const model_list = [deployment({ rpm: 10, tpm: 5 }), deployment({ rpm: 30, api_key: 'os.environ/B' })]
    expect(litellm({ model_list }).limits).toEqual([])
    const counted = litellm({ model_list, router_settings: { routing_strategy: 'usage-based-routing-v2' } })
    expect(counted.limits).toEqual([{ name: 'chat', model: 'chat', requestsPerMinute: 40 }])
    expect(counted.providers[0]?.accounts?.map(({ weight }) => weight)).toEqual([10, 30])
    expect(lineOf(counted, 'model_list[0].litellm_params.tpm')?.outcome).toBe('not-preserved')
  })

  test('a loss is told even where the same value was of use', () => {
    const model_list = [deployment({ tpm: 5 }), deployment({ api_key: 'os.environ/B' })]
    const imported = litellm({ model_list, router_settings: { routing_strategy: 'usage-based-routing' } })
    expect(lineOf(imported, 'model_list[0].litellm_params.tpm')?.outcome).toBe('not-preserved')
  })

  test('fallbacks become one ladder; what leads nowhere is told', () => {
    const imported = litellm({
      model_list: [deployment({}, 'a'), deployment({}, 'b'), deployment({}, 'c')],
      router_settings: { fallbacks: [{ a: ['b', 'ghost'] }], default_fallbacks: ['c'] },
      litellm_settings: { context_window_fallbacks: [{ a: ['c'] }] },
    })
    acceptable(imported)
    const rungs = (model: string) =>
      imported.policies[model]?.ladder?.rungs.map((rung) => ('model' in rung ? rung.model : rung.kind))
    expect([rungs('a'), rungs('b'), rungs('c')]).toEqual([['primary', 'b', 'c'], ['primary', 'c'], undefined])
    expect(imported.policies.a?.ladder?.rungs[0]?.trigger?.on).toContain('context-length')
    expect(lineOf(imported, 'router_settings.fallbacks[0].a[1]')?.outcome).toBe('not-preserved')
  })

  test('rules that are always on become ours; the others stay where they are', () => {
    const rule = (guardrail: string, more: object) => ({
      guardrail_name: 'g',
      litellm_params: { guardrail, mode: 'pre_call', ...more },
    })
    const imported = litellm({
      model_list: [deployment({})],
      guardrails: [
        rule('presidio', {
          default_on: true,
          pii_entities_config: { EMAIL_ADDRESS: 'MASK', US_SSN: 'BLOCK', UK_NHS: 'MASK' },
        }),
        rule('hide-secrets', { default_on: false }),
        rule('lakera_v2', { default_on: true }),
      ],
    })
    acceptable(imported)
    expect(imported.models[0]?.versions[0]?.spec.guardrails).toMatchObject([
      { kind: 'pii', detect: ['email'], action: 'redact', checkpoints: ['input'] },
      { kind: 'pii', detect: ['ssn'], action: 'block' },
    ])
    expect(lineOf(imported, 'guardrails[0].litellm_params.pii_entities_config.UK_NHS')?.outcome).toBe(
      'not-preserved',
    )
    expect(lineOf(imported, 'guardrails[1].litellm_params.guardrail')?.outcome).toBe('not-preserved')
  })

  test('all is kept where all has a place', () => {
    const imported = litellm({
      model_list: [deployment({ api_key: 'os.environ/K', temperature: 0.5, stop: 'x' })],
    })
    expect(isWhole(imported)).toBe(true)
    expect(imported.models[0]?.versions[0]?.spec.sampling).toEqual({ temperature: 0.5, stop: ['x'] })
  })

  test.each([
    ['not YAML', 'model_list: [', /config.yaml:1: not YAML/],
    ['no map', '- a', /no settings/],
    ['a key twice', 'a: 1\na: 2', /config.yaml:2: not YAML/],
  ])('refused with its line: %s', (_, text, says) => {
    expect(() => litellm(text)).toThrow(says)
  })
})

describe('portkey', () => {
  const open = { provider: 'openai', api_key: 'sk-first', override_params: { model: 'gpt-4o' } }
  const claude = {
    provider: 'anthropic',
    api_key: 'sk-second',
    override_params: { model: 'claude-x', max_tokens: 64 },
  }

  test('a tree of targets becomes accounts, versions and rungs', () => {
    const imported = portkey({
      strategy: { mode: 'fallback', on_status_codes: [429] },
      request_timeout: 9000,
      retry: { attempts: 3, on_status_codes: [500] },
      cache: { mode: 'simple', max_age: 60 },
      targets: [
        {
          strategy: { mode: 'loadbalance' },
          targets: [
            { ...open, weight: 0.7 },
            { ...open, api_key: 'sk-other', weight: 0.3 },
          ],
        },
        claude,
      ],
    })
    acceptable(imported)
    expect(imported.models).toMatchObject([
      {
        model: 'chat-1',
        versions: [
          { label: 'v1', sharePercent: 100 },
          { label: 'v2', sharePercent: 0 },
        ],
      },
    ])
    expect(imported.providers).toMatchObject([
      {
        kind: 'openai',
        timeouts: { totalMs: 9000 },
        maxRetries: 3,
        accounts: [{ weight: 0.7 }, { weight: 0.3 }],
      },
      { kind: 'anthropic' },
    ])
    expect(imported.policies['chat-1']).toMatchObject({
      ladder: { rungs: [{ kind: 'primary' }, { version: 'v2' }] },
      cache: { exact: { ttlMs: 60_000 } },
    })
    expect(imported.secretsToSet).toEqual(['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'OPENAI_API_KEY_2'])
    expect(lineOf(imported, '$.strategy.on_status_codes[0]')?.outcome).toBe('not-preserved')
  })

  test.each([
    ['one target', open, [100], 'kept'],
    [
      'different models share',
      {
        strategy: { mode: 'loadbalance' },
        targets: [
          { ...open, weight: 1 },
          { ...claude, weight: 3 },
        ],
      },
      [25, 75],
      'kept',
    ],
    [
      'conditions',
      {
        strategy: {
          mode: 'conditional',
          conditions: [JSON.parse('{"query": {}, "then": "b"}')],
          default: 'a',
        },
        targets: [
          { name: 'b', ...claude },
          { name: 'a', ...open },
        ],
      },
      [100, 0],
      'not-preserved',
    ],
    [
      'parameters from above',
      {
        strategy: { mode: 'single' },
        override_params: { model: 'm', top_p: 0.5 },
        targets: [{ provider: 'groq', api_key: 'k' }],
      },
      [100],
      'kept',
    ],
    ['a key of the vault', { virtual_key: 'openai-team-a', override_params: { model: 'm' } }, [100], 'kept'],
  ])('%s', (_, config, shares, worst) => {
    const imported = portkey(config)
    acceptable(imported)
    expect(imported.models[0]?.versions.map(({ sharePercent }) => sharePercent)).toEqual(shares)
    expect(isWhole(imported)).toBe(worst === 'kept')
  })

  test.each([
    ['no model is named', { provider: 'openai', api_key: 'k' }],
    ['a provider without kind', { provider: 'stability-ai', override_params: { model: 'm' } }],
    ['a key of the vault that tells nothing', { virtual_key: 'team-a', override_params: { model: 'm' } }],
    ['a mode that nobody knows', { strategy: { mode: 'magic' }, targets: [open] }],
  ])('left out and said: %s', (_, config) => {
    const imported = portkey(config)
    expect([imported.models, imported.providers]).toEqual([[], []])
    expect(imported.report.every(({ outcome }) => outcome === 'not-preserved')).toBe(true)
  })

  test('a check is taken over only where it says the same', () => {
    const check = (id: string, parameters: object) => ({ id, parameters })
    const imported = portkey({
      ...open,
      before_request_hooks: [
        {
          type: 'guardrail',
          id: 'g',
          deny: true,
          checks: [
            check('default.regexMatch', { rule: 'a+', not: true }),
            check('default.regexMatch', { rule: 'b+' }),
            check('default.regexMatch', { rule: 'a(?=b)', not: true }),
            check('default.contains', { words: ['x'], operator: 'none' }),
            check('default.contains', { words: ['x'], operator: 'any' }),
          ],
        },
      ],
    })
    expect(imported.models[0]?.versions[0]?.spec.guardrails).toMatchObject([
      { kind: 'regex', patterns: ['a+'], mode: 'enforce', checkpoints: ['input'] },
      { kind: 'keywords', words: ['x'], wholeWords: false },
    ])
    expect(lineOf(imported, '$.before_request_hooks[0].checks[1].id')?.outcome).toBe('not-preserved')
  })

  test.each([
    ['not JSON', '{', /not JSON/],
    ['a key twice', '{"provider": "openai",\n"provider": "groq"}', /c.json:2: a key stands twice/],
  ])('refused: %s', (_, text, says) => {
    expect(() => importPortkey(text, { file: 'c.json', model: 'm' })).toThrow(says)
  })
})

test.each([
  [1.5e-7, '0.15'],
  [0.00001, '10'],
  [0, '0'],
  ['2.5e-6', '2.5'],
  [1e-18, '0.000000000001'],
  [1e-19, undefined],
  [-1, undefined],
])('%s dollars a token are %s a million', (perToken, expected) => {
  expect(perMillion(perToken)).toBe(expected)
})

const SECRET = 'sk-live-9f8e7d6c5b4a'
test.each([
  ['litellm key', () => litellm({ model_list: [deployment({ api_key: SECRET })] })],
  [
    'litellm header',
    () => litellm({ model_list: [deployment({ extra_headers: { Authorization: SECRET, 'x-y': SECRET } })] }),
  ],
  [
    'litellm address',
    () =>
      litellm({ model_list: [deployment({ api_base: `https://u:${SECRET}@h.example/v1?key=${SECRET}` })] }),
  ],
  [
    'litellm settings',
    () => litellm({ general_settings: { master_key: SECRET }, environment_variables: { A: SECRET } }),
  ],
  ['portkey key', () => portkey({ provider: 'openai', api_key: SECRET, override_params: { model: 'm' } })],
  [
    'portkey service account',
    () =>
      portkey({
        provider: 'vertex-ai',
        vertex_service_account_json: { private_key: SECRET },
        override_params: { model: 'gemini' },
      }),
  ],
])('a secret in clear is never copied: %s', (_, convert) => {
  const imported = convert()
  expect(JSON.stringify([imported, [...filesOf(imported)], stepsOf(imported)])).not.toContain(SECRET)
  expect(imported.report.length).toBeGreaterThan(0)
})

test('secrets in clear get names that nothing else has', () => {
  const imported = litellm({
    model_list: [
      deployment({ api_key: 'os.environ/OPENAI_API_KEY' }),
      deployment({ api_key: 'a' }),
      deployment({ api_key: 'b' }),
      deployment({ api_key: 'a' }, 'other'),
    ],
  })
  expect(imported.secretsToSet).toEqual(['OPENAI_API_KEY_2', 'OPENAI_API_KEY_3'])
})

const KEYS = [
  'model',
  'api_key',
  'api_base',
  'rpm',
  'weight',
  'timeout',
  'strategy',
  'mode',
  'targets',
  'provider',
  'override_params',
  'cache',
  'fallbacks',
  'odd',
  'stop',
  'checks',
  'guardrails',
  'litellm_params',
  'model_name',
  'retry',
]
const WORDS = [
  'openai/gpt-4o',
  'openai',
  'loadbalance',
  'fallback',
  'conditional',
  'https://a.example',
  'simple',
  '',
]
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...WORDS),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 4 }),
  ),
}))
const object = fc.dictionary(fc.constantFrom(...KEYS), tree, { minKeys: 1, maxKeys: 5 })

function leafCount(value: unknown): number {
  const inner = typeof value === 'object' && value !== null ? Object.values(value) : []
  return inner.length === 0 ? 1 : inner.reduce((sum: number, one) => sum + leafCount(one), 0)
}

propertyTest.prop([object])(
  'each value of a Portkey file has its line, and what comes out is valid',
  (config) => {
    const imported = portkey(config)
    expect(new Set(imported.report.map(({ path }) => path)).size).toBe(
      leafCount(JSON.parse(JSON.stringify(config))),
    )
    for (const { outcome, to, why } of imported.report) expect(outcome === 'kept' ? to : why).toBeTruthy()
    if (imported.models.length > 0) acceptable(imported)
  },
)

propertyTest.prop([fc.array(object, { maxLength: 3 }), object, object])(
  'each value of a LiteLLM file has its line, and what comes out is valid',
  (params, router_settings, litellm_settings) => {
    const config = { model_list: params.map((one) => deployment(one)), router_settings, litellm_settings }
    const imported = litellm(config)
    expect(new Set(imported.report.map(({ path }) => path)).size).toBe(
      leafCount(JSON.parse(JSON.stringify(config))),
    )
    for (const { line, outcome, to, why } of imported.report) {
      expect(outcome === 'kept' ? to : why).toBeTruthy()
      expect(line).toBeGreaterThan(0)
    }
    if (imported.models.length > 0) acceptable(imported)
  },
)
