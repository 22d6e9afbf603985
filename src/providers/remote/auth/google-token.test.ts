import { generateKeyPairSync, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { tokenAsker } from './ask-for-token.ts'
import { ambientSource, GoogleTokens, googleSourceOf } from './google-token.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const asked: { url: string; flavor: string | undefined; body: string }[] = []
let answer: { status: number; body: string } = { status: 200, body: '' }
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const flavor = request.headers['metadata-flavor'] as string | undefined
    asked.push({ url: request.url as string, flavor, body: Buffer.concat(chunks).toString() })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  })
})
let origin = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  asked.length = 0
  answer = tokenFor(3600)
})

const tokenFor = (lifeS: number, name = `token ${asked.length + 1}`) => ({
  status: 200,
  body: JSON.stringify({ access_token: name, expires_in: lifeS, token_type: 'Bearer' }),
})
const serviceAccount = () =>
  JSON.stringify({
    type: 'service_account',
    client_email: 'slipway@project.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    private_key_id: 'key-1',
    token_uri: `${origin}/token`,
  })
const tokensOf = (source = googleSourceOf(serviceAccount()), allowInner = true) => {
  const clock = { nowMs: 1_800_000_000_000 }
  return { clock, tokens: new GoogleTokens(source, tokenAsker(allowInner), () => clock.nowMs) }
}

test('a service account signs who it is, for what, and for how long', async () => {
  const { clock, tokens } = tokensOf()
  expect(await tokens.token()).toBe('token 1')
  const form = new URLSearchParams(asked[0]?.body)
  expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  const [head = '', claims = '', signature = ''] = (form.get('assertion') as string).split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  expect(read(head)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' })
  expect(read(claims)).toEqual({
    iss: 'slipway@project.iam.gserviceaccount.com',
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: `${origin}/token`,
    iat: clock.nowMs / 1000,
    exp: clock.nowMs / 1000 + 3600,
  })
  const signed = Buffer.from(`${head}.${claims}`)
  expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
})

describe('one token', () => {
  test('is fetched once for all who wait, and kept while it holds', async () => {
    const { clock, tokens } = tokensOf()
    expect(await Promise.all([tokens.token(), tokens.token(), tokens.token()])).toEqual(
      Array(3).fill('token 1'),
    )
    clock.nowMs += 3000_000
    expect(tokens.token()).toBe('token 1')
    expect(asked).toHaveLength(1)
  })

  test('is replaced before it runs out, without anybody waiting', async () => {
    const { clock, tokens } = tokensOf()
    await tokens.token()
    clock.nowMs += 3500_000
    answer = tokenFor(3600, 'token 2')
    expect(tokens.token()).toBe('token 1')
    await expect.poll(() => tokens.token()).toBe('token 2')
    expect(asked).toHaveLength(2)
  })

  test('that ran out is waited for anew, and so is one that was refused', async () => {
    const { clock, tokens } = tokensOf()
    await tokens.token()
    clock.nowMs += 3600_000
    answer = tokenFor(3600, 'token 2')
    expect(await tokens.token()).toBe('token 2')
    tokens.drop()
    answer = tokenFor(3600, 'token 3')
    expect(await tokens.token()).toBe('token 3')
  })
})

describe('a token server that fails', () => {
  test.each([
    [
      'with a status',
      { status: 500, body: '{"access_token":"secret"}' },
      'no Google token: the token server answered 500',
    ],
    [
      'with no token',
      { status: 200, body: '{"id_token":"secret"}' },
      'no Google token: the token server answered no token',
    ],
    ['with no JSON', { status: 200, body: 'secret' }, 'no Google token: the token server answered no token'],
  ])('%s is told without its body, and left alone for a while', async (_, broken, words) => {
    answer = broken
    const { clock, tokens } = tokensOf()
    await expect(async () => tokens.token()).rejects.toThrow(words)
    await expect(async () => tokens.token()).rejects.toThrow(words)
    expect(asked).toHaveLength(1)
    clock.nowMs += 5001
    answer = tokenFor(3600, 'late')
    expect(await tokens.token()).toBe('late')
  })

  test('at an inner address is not asked, unless that is allowed', async () => {
    const { tokens } = tokensOf(undefined, false)
    await expect(async () => tokens.token()).rejects.toThrow('127.0.0.1 is not a public address')
    expect(asked).toEqual([])
  })
})

describe('ambient credentials', () => {
  const none = () => {
    throw new Error('no such file')
  }
  const user = () =>
    JSON.stringify({
      type: 'authorized_user',
      client_id: 'id',
      client_secret: 'hush',
      refresh_token: 'refresh',
      token_uri: `${origin}/token`,
    })

  test('the file that the environment names comes first', () => {
    const files: Record<string, string> = {
      '/named.json': serviceAccount(),
      '/home/me/.config/gcloud/application_default_credentials.json': user(),
    }
    const readFile = (path: string) => files[path] ?? none()
    const env = { HOME: '/home/me', GOOGLE_APPLICATION_CREDENTIALS: '/named.json' }
    expect(ambientSource(env, readFile).kind).toBe('service-account')
    expect(ambientSource({ HOME: '/home/me' }, readFile).kind).toBe('user')
    expect(() => ambientSource({ GOOGLE_APPLICATION_CREDENTIALS: '/gone.json' }, readFile)).toThrow(
      'no such file',
    )
  })

  test('a user refreshes', async () => {
    expect(await tokensOf(googleSourceOf(user())).tokens.token()).toBe('token 1')
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh',
    })
  })

  test('else the metadata server is asked, wherever it stands', async () => {
    const source = ambientSource({ GCE_METADATA_HOST: origin.slice('http://'.length) }, none)
    expect(await tokensOf(source, false).tokens.token()).toBe('token 1')
    expect(asked[0]).toMatchObject({ flavor: 'Google' })
    expect(asked[0]?.url).toMatch(
      /^\/computeMetadata\/v1\/instance\/service-accounts\/default\/token\?scopes=/,
    )
  })
})

test.each([
  ['{', 'not JSON'],
  ['{"type":"service_account","client_email":"a"}', 'no private_key'],
  ['{"type":"external_account"}', 'external_account are not known here'],
])('credentials that cannot be used: %s', (json, words) => expect(() => googleSourceOf(json)).toThrow(words))
