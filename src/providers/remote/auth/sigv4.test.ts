import { describe, expect, test } from 'vitest'
import { KeyCache, type SignedParts, signV4 } from './sigv4.ts'

/** From the AWS Signature Version 4 test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4). */
const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
}
const parts: SignedParts = {
  method: 'GET',
  host: 'example.amazonaws.com',
  path: '/',
  headers: {},
  body: Buffer.alloc(0),
  region: 'us-east-1',
  service: 'service',
  nowMs: Date.parse('2015-08-30T12:36:00Z'),
}
const FORM = 'application/x-www-form-urlencoded'
const signatureOf = (changed: Partial<SignedParts>, cache = new KeyCache()) =>
  /Signature=(\w+)$/.exec(signV4({ ...parts, ...changed }, keys, cache).authorization as string)?.[1]

describe('the published vectors', () => {
  test.each<[string, Partial<SignedParts>, string]>([
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      { path: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['get-utf8', { path: '/ሴ' }, '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    [
      'post-x-www-form-urlencoded, with its body and length signed',
      {
        method: 'POST',
        headers: {
          'Content-Type': FORM,
          'content-length': '13',
          'x-amz-content-sha256': '9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e',
        },
        body: Buffer.from('Param1=value1'),
      },
      'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
    ],
  ])('%s', (_, changed, signature) => expect(signatureOf(changed)).toBe(signature))

  test('the whole header, and the date beside it', () => {
    expect(signV4(parts, keys, new KeyCache())).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    })
  })
})

test('a path of the wire is encoded once more: a model id with a colon', () => {
  const once = signatureOf({ path: '/model/anthropic.claude-v2%3A1/converse' })
  expect(once).not.toBe(signatureOf({ path: '/model/anthropic.claude-v2:1/converse' }))
  // Made with aws4fetch 1.0.20 for the same request.
  expect(once).toBe('87dad5b495658ce31d3598277a8e9ac57283f5c895ab0c85a258c3714bde1cba')
})

test('a session token is sent and signed', () => {
  const headers = signV4(parts, { ...keys, sessionToken: 'token' }, new KeyCache())
  expect(headers['x-amz-security-token']).toBe('token')
  expect(headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,')
})

test('a kept key is not used for another day, region or secret', () => {
  const cache = new KeyCache()
  for (const changed of [{}, { region: 'eu-west-1' }, { nowMs: parts.nowMs + 86_400_000 }, {}])
    expect(signatureOf(changed, cache)).toBe(signatureOf(changed))
})
