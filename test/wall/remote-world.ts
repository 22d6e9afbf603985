import { newProvider, type SnapshotModel } from '../../src/contracts/index.ts'
import { standardText } from '../../src/gateway/index.ts'
import { ScriptedUpstream } from '../../src/gateway/testing/scripted-upstream.ts'
import { World } from '../../src/gateway/testing/world.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { remoteTextUpstream, standardCodecs } from '../../src/providers/index.ts'

/**
 * A gateway as it runs, with everything for text on, before real HTTP providers at these origins (by name). Whoever
 * says nothing for `patienceMs` is given up. `wishes` are what a provider has otherwise than chat completions below `/v1`.
 */
export async function openRemoteWorld(
  origins: Readonly<Record<string, string>>,
  models: SnapshotModel[],
  patienceMs: number,
  wishes: Readonly<Record<string, object>> = {},
): Promise<World> {
  const timeouts = {
    connectMs: 2000,
    firstContentMs: patienceMs,
    idleMs: patienceMs,
    totalMs: 4 * patienceMs,
  }
  const { close, ...options } = standardText({
    clock: systemClock,
    random: Math.random,
    log: silentLogger(),
    cacheBytes: 1_000_000,
    isOverloaded: () => false,
    openProvider: ({ name }) => {
      const wish = {
        name,
        kind: 'openai-compatible',
        baseUrl: `${origins[name]}/v1`,
        allowInner: true,
        maxRetries: 1,
        ...wishes[name],
      }
      return remoteTextUpstream(
        { ...newProvider.parse({ ...wish, timeouts }), revision: 1, updatedAt: 0 },
        {
          clock: systemClock,
          random: Math.random,
          log: silentLogger(),
          env: { KEY: 'a-key', SECRET: 'a-secret' },
          readFile: () => '',
          codecs: standardCodecs,
        },
      )
    },
  })
  const world = await World.open({
    replicas: {},
    // The world makes a provider of each name; what answers for it is opened above.
    text: { models, upstreams: Object.keys(origins).map((name) => new ScriptedUpstream(name)), options },
  })
  const closeWorld = world.close.bind(world)
  world.close = async () => {
    await closeWorld()
    await close()
  }
  return world
}
