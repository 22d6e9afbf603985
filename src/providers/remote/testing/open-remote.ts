import { readFileSync } from 'node:fs'
import { newProvider, type Provider } from '../../../contracts/index.ts'
import { seededRandom, silentLogger, systemClock } from '../../../kernel/index.ts'
import { type RemoteParts, type RemoteTextUpstream, remoteTextUpstream } from '../../index.ts'
import type { RemotePolicy } from '../policy.ts'
import { plainCodecs } from './plain-chat.ts'

export type ProviderWish = Partial<Omit<Parameters<typeof newProvider.parse>[0] & object, 'name'>>

/** A stored provider, with whatever a test cares about. */
export function providerOf(wish: ProviderWish = {}): Provider {
  const parsed = newProvider.parse({ name: 'wall', kind: 'openai-compatible', allowInner: true, ...wish })
  return { ...parsed, revision: 1, updatedAt: 0 }
}

export function openRemote(
  wish: ProviderWish,
  parts: Partial<RemoteParts> = {},
  policy: Partial<RemotePolicy> = {},
): RemoteTextUpstream {
  return remoteTextUpstream(providerOf(wish), {
    clock: systemClock,
    random: seededRandom(7),
    log: silentLogger(),
    env: {},
    readFile: (path) => readFileSync(path, 'utf8'),
    codecs: plainCodecs,
    ...parts,
    policy,
  })
}
