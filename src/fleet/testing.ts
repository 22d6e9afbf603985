/** The door for other rooms' tests: a judge over simulated traffic, in virtual time. */
export { createRolloutWorld, type RolloutWorld } from './testing/rollout-world.ts'
