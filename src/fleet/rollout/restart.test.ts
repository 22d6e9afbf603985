import { describe, expect, test } from 'vitest'
import type { Rollout } from '../../contracts/index.ts'
import { createRolloutWorld, type RolloutWorld } from '../testing/rollout-world.ts'

const plan = { steps: [10, 50, 100], guards: ['errors' as const], scaleDownDelayMs: 5_000 }

interface Ending {
  readonly state: Rollout['state']
  readonly splits: unknown[]
  readonly deployments: string[]
}

/** Lets control die at its nth write, before it is done, and a new one go on. */
async function live(errorRateOfCandidate: number, dieAtWrite: number, isNewProcess: boolean) {
  const world = await createRolloutWorld({
    seed: 7,
    requestsPerSecond: 1_000,
    plan,
    warmUpSeconds: 5,
    behaviour: (version) => ({ errorRate: version === 'v2' ? errorRateOfCandidate : 0.01 }),
  })
  await world.start()
  let writes = 0
  let hasDied = false
  world.store.onWrite = () => {
    if (++writes < dieAtWrite || hasDied) return
    hasDied = isNewProcess ? hasDied : true
    throw new Error('control died')
  }
  for (let second = 0; second < 400 && (await world.rollout()).finishedAt === null; second++) {
    await world.seconds(1)
    if (writes >= dieAtWrite && isNewProcess) {
      world.store.onWrite = undefined
      world.restartControl()
    }
  }
  return { ending: await endingOf(world), writes }
}

async function endingOf(world: RolloutWorld): Promise<Ending> {
  const looks = await world.looks()
  expect(looks.map((look) => look.sequence)).toEqual(looks.map((_look, index) => index))
  return {
    state: (await world.rollout()).state,
    splits: world.store.splits.map((split) => split.shares),
    deployments: (await world.store.deployments.list()).map((row) => `${row.version} ${row.status}`),
  }
}

describe.each([
  ['a candidate that is as good', 0.01, 'done'],
  ['a candidate that is worse', 0.06, 'rolled-back'],
] as const)('%s', (_says, errorRate, state) => {
  test('ends the same wherever control dies between two writes', async () => {
    const calm = await live(errorRate, Number.POSITIVE_INFINITY, true)
    expect(calm.ending.state).toBe(state)
    for (let write = 1; write <= calm.writes; write++) {
      const { ending } = await live(errorRate, write, true)
      expect(ending, `died at write ${write}`).toEqual(calm.ending)
    }
  }, 120_000)

  test('ends the same when one write fails and control lives', async () => {
    const calm = await live(errorRate, Number.POSITIVE_INFINITY, false)
    for (let write = 1; write <= calm.writes; write += 3) {
      const { ending } = await live(errorRate, write, false)
      expect(ending, `failed at write ${write}`).toEqual(calm.ending)
    }
  }, 120_000)
})
