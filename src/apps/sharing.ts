import { controlAuthority, RedisAnswers, RedisLink, redisAuthority, SharedLimits } from '../gateway/index.ts'
import type { Clock, Logger, Random } from '../kernel/index.ts'

export interface SharingOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the gateway. */
  readonly name: string
  readonly controlUrl: string
  readonly internalKey: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface Sharing {
  /** Undefined: this gateway counts for itself. */
  readonly shared: SharedLimits | undefined
  /** Undefined: answers are cached in this process. */
  readonly cache: RedisAnswers | undefined
  closeSharing(): Promise<void>
}

const COUNTERS = ['control', 'redis', 'gateway'] as const
const CACHES = ['memory', 'redis'] as const

/**
 * What gateways share, and by whom. `SLIPWAY_REDIS_URL` alone moves limits and caches to Redis; `SLIPWAY_LIMITS` and
 * `SLIPWAY_CACHE` say otherwise for one of them. Throws an
 * `Error` that names the setting.
 */
export function sharing(options: SharingOptions): Sharing {
  const { clock, controlUrl, env, internalKey, log, name, random } = options
  const url = env.SLIPWAY_REDIS_URL === '' ? undefined : env.SLIPWAY_REDIS_URL
  const prefix = env.SLIPWAY_REDIS_PREFIX ?? 'slipway'
  const counter = chosen(env, 'SLIPWAY_LIMITS', COUNTERS, url === undefined ? 'control' : 'redis')
  const cache = chosen(env, 'SLIPWAY_CACHE', CACHES, url === undefined ? 'memory' : 'redis')
  if (url !== undefined) requireRedisUrl(url)
  else if (counter === 'redis' || cache === 'redis')
    throw invalid('SLIPWAY_REDIS_URL', 'it is not set, and limits or caches are to be in Redis')
  const isUsed = counter === 'redis' || cache === 'redis'
  const link = url === undefined || !isUsed ? undefined : new RedisLink({ url, clock, random, log })
  const authority =
    counter === 'redis'
      ? redisAuthority({ link: link as RedisLink, prefix })
      : counter === 'control'
        ? controlAuthority(controlUrl, internalKey)
        : undefined
  const shared =
    authority === undefined ? undefined : new SharedLimits({ authority, name, clock, random, log })
  return {
    shared,
    cache: cache === 'redis' ? new RedisAnswers({ link: link as RedisLink, prefix, clock }) : undefined,
    async closeSharing() {
      await shared?.close()
      await link?.close()
    },
  }
}

function chosen<const T extends string>(
  env: SharingOptions['env'],
  name: string,
  choices: readonly T[],
  otherwise: T,
): T {
  const value = env[name]
  if (value === undefined || value === '') return otherwise
  if (!choices.includes(value as T)) throw invalid(name, `it is ${value}, not one of ${choices.join(', ')}`)
  return value as T
}

function requireRedisUrl(url: string): void {
  const isGood = URL.canParse(url) && ['redis:', 'rediss:'].includes(new URL(url).protocol)
  // Not the value: it may hold a password.
  if (!isGood) throw invalid('SLIPWAY_REDIS_URL', 'it is no redis:// or rediss:// URL')
}

function invalid(name: string, reason: string): Error {
  return new Error(`${name} cannot be used: ${reason}. See docs/operate.md, Settings.`)
}
