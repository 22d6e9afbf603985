import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger, systemClock } from '../kernel/index.ts'
import { type Sharing, sharing } from './sharing.ts'

const opened: Sharing[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.closeSharing()
})
const open = (env: Record<string, string>) => {
  const one = sharing({
    env,
    name: 'gateway-0',
    controlUrl: 'http://127.0.0.1:1',
    internalKey: 'k',
    clock: systemClock,
    random: Math.random,
    log: silentLogger(),
  })
  opened.push(one)
  return [/authority="(\w+)"/.exec(one.shared?.metricsText ?? '')?.[1], one.cache !== undefined]
}
const SLIPWAY_REDIS_URL = 'redis://127.0.0.1:1'

describe('what gateways share', () => {
  test.each<[string, Record<string, string>, string | undefined, boolean]>([
    ['nothing is said: limits by control', {}, 'control', false],
    ['a Redis: limits and answers there', { SLIPWAY_REDIS_URL }, 'redis', true],
    ['a Redis for answers only', { SLIPWAY_REDIS_URL, SLIPWAY_LIMITS: 'control' }, 'control', true],
    ['a Redis for limits only', { SLIPWAY_REDIS_URL, SLIPWAY_CACHE: 'memory' }, 'redis', false],
    ['each for itself', { SLIPWAY_LIMITS: 'gateway' }, undefined, false],
    ['empty is as unset', { SLIPWAY_REDIS_URL: '', SLIPWAY_LIMITS: '', SLIPWAY_CACHE: '' }, 'control', false],
  ])('%s', (_, env, authority, isCached) => expect(open(env)).toEqual([authority, isCached]))

  test.each<[string, Record<string, string>, string]>([
    [
      'a word that is none',
      { SLIPWAY_LIMITS: 'reddis' },
      'SLIPWAY_LIMITS cannot be used: it is reddis, not one of',
    ],
    ['Redis without its URL', { SLIPWAY_CACHE: 'redis' }, 'SLIPWAY_REDIS_URL cannot be used: it is not set'],
    ['another protocol', { SLIPWAY_REDIS_URL: 'http://h/secret' }, 'it is no redis:// or rediss:// URL'],
  ])('%s is refused by its name', (_, env, told) => expect(() => open(env)).toThrow(told))

  test('a URL that is refused is not repeated, since it may hold a password', () => {
    try {
      open({ SLIPWAY_REDIS_URL: 'htp://:hunter2@h' })
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toContain('hunter2')
    }
  })
})
