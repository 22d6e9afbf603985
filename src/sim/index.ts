export { explainLadder, type LadderOutcome, simulateLadder, standardScenarios } from './ladder.ts'
export { limitLaw } from './limit-laws.ts'
export { type OverloadOutcome, type OverloadScenario, simulateOverload } from './overload.ts'
