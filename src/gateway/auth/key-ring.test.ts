import { describe, expect, test } from 'vitest'
import type { Scope, SnapshotKey } from '../../contracts/index.ts'
import { macOfSecret, newKeySecret } from '../../kernel/index.ts'
import { KeyRing } from './key-ring.ts'

const pepper = Buffer.alloc(32, 7)

const ringOf = (scopes: Scope[] = ['predict'], expiresAt: number | null = null) => {
  const { key, publicId, secret } = newKeySecret()
  const mac = macOfSecret(secret, pepper)
  const limits = { requestsPerSecond: null, concurrency: null }
  const stored: SnapshotKey = { publicId, mac, tenant: 't', scopes, limits, expiresAt }
  const macs: string[] = []
  const ring = new KeyRing(new Map([[publicId, stored]]), (text) => {
    macs.push(text)
    return macOfSecret(text, pepper)
  })
  return { ring, macs, stored, header: `Bearer ${key}`, publicId }
}

const other = newKeySecret()

describe('who gets in', () => {
  test('a key with the scope', () => {
    const { ring, header, stored } = ringOf()
    expect(ring.authorize(header, 'predict', 0)).toBe(stored)
  })

  test.each<[string, (own: ReturnType<typeof ringOf>) => string | undefined]>([
    ['nobody', () => undefined],
    ['an empty header', () => ''],
    ['another scheme', ({ header }) => header.replace('Bearer', 'Basic')],
    ['a lower case scheme', ({ header }) => header.replace('Bearer', 'bearer')],
    ['a key that is no key', () => 'Bearer slw_'],
    ['a key with more behind it', ({ header }) => `${header}x`],
    ['an unknown key', () => `Bearer ${other.key}`],
    ['a known id with another secret', ({ publicId }) => `Bearer slw_${publicId}_${other.secret}`],
  ])('not %s', (_, spoil) => {
    const own = ringOf()
    const attempt = () => own.ring.authorize(spoil(own), 'predict', 0)
    expect(attempt).toThrow(expect.objectContaining({ code: 'unauthenticated' }))
    expect(attempt).toThrow('The request carries no valid key.')
  })

  test.each<[Scope[], Scope, boolean]>([
    [['predict'], 'read', false],
    [['read'], 'read', true],
    [['admin'], 'read', true],
    [['admin'], 'internal', false],
    [['internal'], 'predict', false],
  ])('%j for %s: %s', (scopes, wanted, isLetIn) => {
    const { ring, header, stored } = ringOf(scopes)
    if (isLetIn) expect(ring.authorize(header, wanted, 0)).toBe(stored)
    else
      expect(() => ring.authorize(header, wanted, 0)).toThrow(expect.objectContaining({ code: 'forbidden' }))
  })

  test('not from the moment of expiry on, remembered or not', () => {
    const { ring, header } = ringOf(['predict'], 1000)
    expect(ring.authorize(header, 'predict', 999)).toBeDefined()
    expect(() => ring.authorize(header, 'predict', 1000)).toThrow(
      expect.objectContaining({ code: 'unauthenticated' }),
    )
  })
})

describe('what it costs', () => {
  test('an unknown id costs the MAC that a wrong secret costs, each time', () => {
    const { ring, macs, publicId } = ringOf()
    for (const key of [other.key, other.key, `slw_${publicId}_${other.secret}`])
      expect(() => ring.authorize(`Bearer ${key}`, 'predict', 0)).toThrow()
    expect(macs).toHaveLength(3)
  })

  test('a key that was verified costs no MAC again', () => {
    const { ring, macs, header } = ringOf()
    for (let index = 0; index < 5; index++) ring.authorize(header, 'predict', 0)
    expect(macs).toHaveLength(1)
  })
})
