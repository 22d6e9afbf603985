import { type ChangeProposal, changeProposal, type VersionSpec, versionSpec } from '../../contracts/index.ts'
import { digestOfBytes, silentLogger } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { openTestStore } from '../../store/testing.ts'
import type { Actor } from '../actor.ts'
import { advance, type Outcome } from '../advance.ts'
import { createLedger } from '../ledger.ts'
import type { ChangeParts } from '../parts.ts'
import { defaultPolicy } from '../policy.ts'
import { testClock } from './clock.ts'
import { type FleetScript, fakeFleet } from './fake-fleet.ts'
import { fakeLab, GOOD, type LabScript } from './fake-lab.ts'

export const MODEL = 'spam_filter'

export const contract = {
  inputs: [{ name: 'text', dtype: 'string' as const, shape: [] }],
  outputs: [{ name: 'label', dtype: 'int64' as const, shape: [] }],
}

export const specOf = (seed: number): VersionSpec =>
  versionSpec.parse({ engine: 'echo', echo: { seed }, contract })

export function proposalOf(
  said: Partial<ChangeProposal> & { label?: string; seed?: number } = {},
): ChangeProposal {
  const { label = 'v2', seed = 2, ...rest } = said
  return changeProposal.parse({
    model: MODEL,
    to: { label, echo: { seed } },
    hypothesis: 'Later mail fixes the drift.',
    goal: 'accuracy',
    data: { golden: 'late' },
    rollout: { steps: [1, 50, 100], scaleDownDelayMs: 5_000 },
    ...rest,
  })
}

/** A person with a key of their own; may do all unless said otherwise. */
export function by(name: string, said: Partial<Actor> = {}): Actor {
  return { name, publicId: `key-${name}`, scopes: ['admin'], ...said }
}

/** A store with a model that serves, a fleet and a lab that follow scripts, and a clock of its own. */
export async function openWorld(scripts: { lab?: LabScript; fleet?: FleetScript; store?: Store } = {}) {
  const clock = testClock()
  const store = scripts.store ?? (await openTestStore({ clock }))
  const fleet = fakeFleet(store, clock, scripts.fleet)
  const lab = fakeLab(scripts.lab ?? GOOD)
  const probed: string[] = []
  const parts: ChangeParts = {
    store,
    fleet,
    lab,
    policy: defaultPolicy,
    clock,
    logger: silentLogger(),
    gatewayUrl: 'http://127.0.0.1:1',
    key: 'slw_test',
    probe: async ({ version }) => {
      probed.push(version)
      return undefined
    },
  }
  await store.models.create({
    model: MODEL,
    description: '',
    owner: '',
    task: '',
    framework: '',
    contract,
    captureFailures: true,
  })
  await store.versions.register(MODEL, 'v1', specOf(1))
  await fleet.deploy({ model: MODEL, version: 'v1', replicas: 2, gpuType: null, trafficPercent: 100 })
  await store.traffic.set(MODEL, { shares: { v1: 100 }, slices: [], reason: 'first version' })
  const items = [1, 2, 3].map((id) =>
    JSON.stringify({ id: `m${id}`, inputs: { text: `mail ${id}` }, label: 'ham' }),
  )
  const file = Buffer.from(`${items.join('\n')}\n`)
  const digest = digestOfBytes(file)
  await store.artifacts.put(digest, file)
  await store.datasets.register({ name: 'late', model: MODEL, digest, items: items.length })
  return { clock, store, fleet, lab, probed, parts }
}
export type World = Awaited<ReturnType<typeof openWorld>>

/** Turns the wheels by hand until a change is at rest, or waits for longer than it should. */
export async function drive(
  world: { clock: World['clock']; fleet: World['fleet'] },
  parts: ChangeParts,
  id: string,
): Promise<Outcome> {
  const ledger = createLedger(parts)
  let outcome: Outcome = { kind: 'rest' }
  for (let round = 0; round < 100; round++) {
    outcome = await advance(parts, ledger, id, {
      signal: new AbortController().signal,
      turn: { take: () => true, give: () => undefined },
      measuring: new Map(),
    })
    if (outcome.kind === 'rest') return outcome
    world.clock.add(1_000)
    await world.fleet.tick()
  }
  return outcome
}
