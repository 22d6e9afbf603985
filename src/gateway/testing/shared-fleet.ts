import { randomUUID } from 'node:crypto'
import { type KeyLimits, type LimitRule, limitRule, type SnapshotKey } from '../../contracts/index.ts'
import { macOfSecret, parseKey, silentLogger, systemClock } from '../../kernel/index.ts'
import type { LeaseAuthority } from '../../routing/index.ts'
import { controlAuthority } from '../leases/control-authority.ts'
import { redisAuthority } from '../leases/redis-authority.ts'
import { SharedLimits } from '../leases/shared-limits.ts'
import { RedisLink } from '../redis/redis-link.ts'
import { bookedLimits } from '../text/limits.ts'
import { ScriptedUpstream, scriptedModel } from './scripted-upstream.ts'
import { dialects, surfaces } from './text-world.ts'
import { type Answer, until, World } from './world.ts'

const [, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]

/** More than in use, since a busy machine must not look like one that counts and is away. */
const PATIENCE_MS = 2000

export interface SharedFleet {
  readonly gateways: World[]
  readonly shares: SharedLimits[]
  readonly upstreams: ScriptedUpstream[]
  /** The same key on all of them. */
  readonly key: string
  ask(gateway: number, more?: Record<string, unknown>): Promise<Answer>
  askAll(requests: number): Promise<Answer[]>
  /** Of models of text, that upstreams have and did not answer. */
  running(): number
  close(): Promise<void>
}

/** Several gateways that share limits; each has a control of its own for its snapshot, and one of them counts. */
export async function openSharedFleet(
  by: 'control' | 'redis',
  redisUrl: string | undefined,
  { keyLimits = {}, rules = [] }: { rules?: Record<string, unknown>[]; keyLimits?: Partial<KeyLimits> },
): Promise<SharedFleet> {
  const closers: (() => Promise<unknown>)[] = []
  const prefix = randomUUID()
  const gateways: World[] = []
  const shares: SharedLimits[] = []
  const upstreams: ScriptedUpstream[] = []
  const limits: LimitRule[] = rules.map((rule, index) => limitRule.parse({ name: `r${index}`, ...rule }))
  const parts = { clock: systemClock, random: Math.random, log: silentLogger() }
  let key = ''
  for (let index = 0; index < 2; index++) {
    const upstream = new ScriptedUpstream('acme')
    const late: { authority?: LeaseAuthority } = {}
    if (by === 'redis') {
      const link = new RedisLink({ url: redisUrl as string, ...parts })
      closers.push(() => link.close())
      await until(() => link.isUp)
      late.authority = redisAuthority({ link, prefix, timeoutMs: PATIENCE_MS })
    }
    const authority: LeaseAuthority = {
      name: by,
      exchange: (message) => (late.authority as LeaseAuthority).exchange(message),
      close: async () => late.authority?.close(),
    }
    const shared = new SharedLimits({ authority, name: `gateway-${index}`, ...parts })
    const world = await World.open({
      replicas: {},
      shared,
      text: {
        models: [scriptedModel('chat', { v1: { provider: 'acme' } })],
        upstreams: [upstream],
        options: { surfaces: dialects, limits: bookedLimits(systemClock, shared) },
      },
    })
    closers.push(
      () => world.close(),
      () => shared.close(),
    )
    if (index === 0) key = world.addKey({ limits: keyLimits })
    else {
      const { secret } = parseKey(key) as { secret: string }
      const known = gateways[0]?.keys.at(-1) as SnapshotKey
      world.keys.push({ ...known, mac: macOfSecret(secret, world.pepper) })
    }
    const counter = gateways[0] ?? world
    if (by === 'control')
      late.authority = controlAuthority(counter.control.url, counter.control.internalKey, PATIENCE_MS)
    await world.swap({ ...world.snapshot(), limits })
    shared.start()
    gateways.push(world)
    shares.push(shared)
    upstreams.push(upstream)
  }
  const headers = { authorization: `Bearer ${key}` }
  const ask = (gateway: number, more: Record<string, unknown> = {}) =>
    (gateways[gateway] as World).send({ ...chat.send({ max_tokens: 10, ...more }), headers })
  return {
    gateways,
    shares,
    upstreams,
    key,
    ask,
    askAll: (requests) => Promise.all(Array.from({ length: requests }, (_, index) => ask(index % 2))),
    running: () =>
      upstreams.reduce((sum, { calls }) => sum + calls.filter((call) => !call.isSettled).length, 0),
    async close() {
      for (const close of closers.reverse()) await close()
    },
  }
}

export function statusesOf(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
