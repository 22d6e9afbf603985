import { describe, expect, test } from 'vitest'
import type { ChangeState } from '../contracts/index.ts'
import { openTestStore } from '../store/testing.ts'
import { createChanges, verifyBundle } from './index.ts'
import { defaultPolicy, type Policy } from './policy.ts'
import { Died, dyingParts } from './testing/dying.ts'
import type { FleetScript } from './testing/fake-fleet.ts'
import { fakeJudge, type LabScript } from './testing/fake-lab.ts'
import { by, drive, MODEL, openWorld, proposalOf } from './testing/world.ts'

/** Few blocks and few checks: every kind of write is there, and each is died at. */
const lab: LabScript = { gains: { compatibility: [1], accuracy: [0.13, 0.15], cost: [0.01] } }
const tier = { checks: ['compatibility' as const, 'accuracy' as const, 'cost' as const], signOffs: 0 }
const policy: Policy = {
  ...defaultPolicy,
  requiredAxes: ['accuracy', 'cost'],
  tiers: { ...defaultPolicy.tiers, 'same-family': tier },
}

const LIVES: [string, ChangeState, { lab: LabScript; fleet?: FleetScript }][] = [
  ['goes live', 'done', { lab }],
  ['is rolled back by the judge', 'rolled-back', { lab, fleet: { abortAtStep: 0 } }],
  ['is blocked by a gate', 'blocked', { lab: { gains: { ...lab.gains, accuracy: [-0.03, -0.02] } } }],
]

describe.each(LIVES)('a change that %s', (_, state, scripts) => {
  /** One life; killed once, at a write of the first process, and taken up by a second one. */
  async function live(kill: { at: number; when: 'before' | 'after' }) {
    const store = await openTestStore()
    const world = await openWorld({ ...scripts, store })
    const parts = { ...world.parts, policy }
    try {
      const changes = createChanges(parts)
      const { id } = await changes.propose(
        proposalOf({ rollout: { ...proposalOf().rollout, steps: [1, 100] } }),
        by('ada'),
      )
      await changes.start(id, by('ada'))
      const first = dyingParts(parts, kill)
      await drive(world, first.parts, id).catch((error: unknown) => {
        if (!(error instanceof Died)) throw error
      })
      await drive(world, parts, id)
      const change = await store.changes.get(id)
      const events = await store.changes.events(id)
      const incidents = await store.incidents.list({ model: MODEL }, { limit: 10 })
      const rollouts = change.rolloutId === null ? [] : [await store.rollouts.get(change.rolloutId)]
      return {
        writes: first.writes(),
        measured: [...world.lab.measured],
        verified: verifyBundle(await changes.bundle(id), fakeJudge),
        end: {
          state: change.state,
          reason: change.reason,
          sentence: change.verdict?.sentence,
          events: events.map(({ type, data }) => [type, data.check, data.gate, data.step]),
          evidence: (await store.evidence.list(id)).map(({ check, status }) => `${check} ${status}`),
          incidents: incidents.items.map(({ title, actions, closedAt }) => [
            title,
            actions.length,
            closedAt !== null,
          ]),
          rollouts: rollouts.map((rollout) => [rollout?.state, rollout?.step]),
          open: (await store.rollouts.listOpen()).length,
          shares: (await store.traffic.get(MODEL))?.shares,
          candidate: (await store.deployments.find(MODEL, 'v2'))?.status,
        },
      }
    } finally {
      await store.close()
    }
  }

  test('ends the same wherever its process is killed', async () => {
    const whole = await live({ at: -1, when: 'before' })
    expect(whole.verified).toEqual({ ok: true, problems: [], open: [] })
    expect(whole.end.state).toBe(state)
    expect(whole.writes.length).toBeGreaterThan(10)
    // Dying before a write is dying after the one before it, but for a block that was measured and is lost.
    const kills = whole.writes.flatMap((write, at) => [
      ...(at === 0 || write === 'evidence.putBlock' ? [{ at, when: 'before' as const }] : []),
      { at, when: 'after' as const },
    ])
    for (const kill of kills) {
      const label = `killed ${kill.when} write ${kill.at}, ${whole.writes[kill.at]}`
      const again = await live(kill)
      expect(again.end, label).toEqual(whole.end)
      expect(again.verified, label).toEqual({ ok: true, problems: [], open: [] })
      // A block whose write was lost is measured once more; a stored one never is.
      const isBlockLost = kill.when === 'before' && whole.writes[kill.at] === 'evidence.putBlock'
      expect(again.measured.length, label).toBe(whole.measured.length + (isBlockLost ? 1 : 0))
    }
  }, 240_000)
})
