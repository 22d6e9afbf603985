import type { LeaseAnswer, LeaseAsk, LeaseExchange, LeaseGrant } from '../../contracts/index.ts'
import { type LeaseAuthority, leaseMsOf } from '../../routing/index.ts'
import type { RedisLink } from '../redis/redis-link.ts'
import { EXCHANGE_SCRIPT } from './redis-script.ts'

export interface RedisAuthorityOptions {
  readonly link: RedisLink
  /** Before every key; one installation of several in one Redis. */
  readonly prefix: string
  readonly timeoutMs?: number
  /** For tests: what time it is, epoch ms. Left out: Redis' own clock, which is the same for all gateways. */
  readonly nowMs?: () => number
}

const TIMEOUT_MS = 500

/** Redis as the one who counts limits for all gateways. Its keys share a hash tag, so that a cluster keeps them together. */
export function redisAuthority(options: RedisAuthorityOptions): LeaseAuthority {
  const { link, nowMs, prefix, timeoutMs = TIMEOUT_MS } = options
  const keyOf = (kind: string, name: string) => `{${prefix}:limits}:${kind}:${name}`
  return {
    name: 'redis',
    async exchange(message: LeaseExchange): Promise<LeaseAnswer> {
      const { asks, sequence, session } = message
      const told = await link.script<string>(
        timeoutMs,
        EXCHANGE_SCRIPT,
        [keyOf('session', session), ...asks.map(({ id }) => keyOf('account', id))],
        [String(sequence), nowMs === undefined ? '' : String(nowMs()), session, ...asks.flatMap(wordsOf)],
      )
      const lines = asks.length === 0 ? [] : told.split('\n')
      if (lines.length !== asks.length)
        throw new Error(`Redis answered ${lines.length} grants to ${asks.length} asks`)
      return { sequence, grants: lines.map(grantIn) }
    },
    close: async () => undefined,
  }
}

function wordsOf({ first, holds, law, need, owe, release, spare }: LeaseAsk): string[] {
  const periodMs = law.kind === 'rate' ? law.periodMs : 0
  const span = law.kind === 'calendar' ? law.span : ''
  const numbers = [release, owe, first, need, spare, holds, leaseMsOf(law)]
  return [law.kind, String(law.limit), String(periodMs), span, ...numbers.map(String)]
}

function grantIn(line: string): LeaseGrant {
  const [granted, leaseMs, left, waitMs, epoch, renewsMs, lost, scarce] = line.split(' ').map(Number)
  if (scarce === undefined || Number.isNaN(scarce))
    throw new Error(`Redis answered no grant: ${line.slice(0, 100)}`)
  return {
    granted: granted as number,
    leaseMs: leaseMs as number,
    left: left as number,
    waitMs: waitMs as number,
    epoch: epoch as number,
    renewsMs: renewsMs as number,
    lost: lost as number,
    scarce: scarce === 1,
  }
}
