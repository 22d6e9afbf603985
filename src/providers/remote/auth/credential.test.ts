import { describe, expect, test } from 'vitest'
import type { ProviderAccount, ProviderKind } from '../../../contracts/index.ts'
import { kinds } from '../kinds.ts'
import { credentialOf } from './credential.ts'
import { resolveSecret } from './secret.ts'

const env = (name: string) => `\${env:${name}}`
const file = (path: string) => `\${file:${path}}`

const files: Record<string, string | undefined> = {}
const sources = {
  env: { KEY: 'sk-1 ', EMPTY: '', BROKEN: 'a\nb', AWS_ID: 'AKID', AWS_SECRET: 'hush', AWS_TOKEN: 'session' },
  readFile: (path: string) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  },
}

function credential(
  kind: ProviderKind,
  account: Partial<ProviderAccount>,
  headers: Record<string, string> = {},
) {
  const clock = { nowMs: 0 }
  const made = credentialOf({ name: 'main', weight: 1, ...account }, kinds[kind], headers, {
    ...sources,
    nowMs: () => clock.nowMs,
    askForToken: () => Promise.reject(new Error('nobody asks here')),
    rereadMs: 1000,
  })
  return { made, clock }
}

const request = {
  host: 'bedrock-runtime.eu-west-1.amazonaws.com',
  path: '/model/m/converse',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{}'),
  region: 'eu-west-1',
}

test.each([
  [env('KEY'), { value: 'sk-1' }],
  [env('NONE'), { missing: 'the environment has no NONE' }],
  [env('EMPTY'), { missing: 'the environment has no EMPTY' }],
  [env('BROKEN'), { missing: 'what env:BROKEN holds cannot stand in a header' }],
  [file('/gone'), { missing: 'the file /gone cannot be read (ENOENT)' }],
  ['plain text', { value: 'plain text' }],
])('%s', (ref, resolved) => expect(resolveSecret(ref, sources)).toEqual(resolved))

describe('how each style proves who sends', () => {
  test.each<[ProviderKind, Partial<ProviderAccount>, Record<string, string>]>([
    ['openai', { key: env('KEY') }, { authorization: 'Bearer sk-1' }],
    ['azure-openai', { key: env('KEY') }, { 'api-key': 'sk-1' }],
    ['anthropic', { key: env('KEY') }, { 'x-api-key': 'sk-1' }],
    ['gemini', { key: env('KEY') }, { 'x-goog-api-key': 'sk-1' }],
    ['bedrock', { key: env('KEY') }, { authorization: 'Bearer sk-1' }],
    ['vllm', {}, {}],
  ])('%s', (kind, account, proof) => {
    const { made } = credential(kind, account, { 'x-team': env('AWS_ID') })
    expect(made.missing).toBeUndefined()
    expect(made.headersFor(request)).toEqual({
      'content-type': 'application/json',
      'x-team': 'AKID',
      ...proof,
    })
  })

  test('Bedrock signs with key, secret and session, for its service and region', () => {
    const { made } = credential('bedrock', {
      key: env('AWS_ID'),
      secret: env('AWS_SECRET'),
      sessionToken: env('AWS_TOKEN'),
    })
    expect(made.headersFor(request)).toMatchObject({
      'x-amz-security-token': 'session',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKID\/19700101\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, /,
      ),
    })
  })
})

describe('what is missing is told, never thrown, and without any value', () => {
  test.each<[string, ProviderKind, Partial<ProviderAccount>, Record<string, string>, string]>([
    ['a key', 'openai', {}, {}, 'the account main has no key'],
    [
      'the environment',
      'openai',
      { key: env('NONE') },
      {},
      'key of the account main: the environment has no NONE',
    ],
    [
      'a header',
      'openai',
      { key: env('KEY') },
      { 'x-a': env('NONE') },
      'x-a of the account main: the environment has no NONE',
    ],
    [
      'half of an AWS key',
      'bedrock',
      { key: env('KEY'), secret: env('NONE') },
      {},
      'secret of the account main',
    ],
    ['no JSON', 'vertex', { key: env('KEY') }, {}, 'the Google credentials are not JSON'],
  ])('%s', (_, kind, account, headers, words) => {
    const { missing } = credential(kind, account, headers).made
    expect(missing).toContain(words)
    expect(missing).not.toContain('sk-1')
  })
})

describe('secrets in files', () => {
  test('are read again after a refusal, at most so often, and only a change is worth another try', () => {
    files['/key'] = 'old\n'
    const { clock, made } = credential('openai', { key: file('/key') })
    files['/key'] = 'new\n'
    expect([made.renew(), made.headersFor(request)]).toEqual([
      false,
      expect.objectContaining({ authorization: 'Bearer old' }),
    ])
    clock.nowMs = 1000
    expect([made.renew(), made.headersFor(request)]).toEqual([
      true,
      expect.objectContaining({ authorization: 'Bearer new' }),
    ])
    clock.nowMs = 2000
    expect(made.renew()).toBe(false)
  })

  test('that come later make their account ready', () => {
    files['/late'] = undefined
    const { clock, made } = credential('openai', { key: file('/late') })
    expect(made.missing).toContain('/late')
    files['/late'] = 'here'
    clock.nowMs = 1000
    expect([made.renew(), made.missing]).toEqual([true, undefined])
  })

  test('the environment does not change, so that nothing is tried again', () => {
    const { clock, made } = credential('openai', { key: env('KEY') })
    clock.nowMs = 5000
    expect(made.renew()).toBe(false)
  })
})
