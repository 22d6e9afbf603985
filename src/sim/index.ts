export { explainLadder, type LadderOutcome, simulateLadder, standardScenarios } from './ladder.ts'
export { type LawName, limitLaw } from './limit-laws.ts'
export { type OverloadOutcome, type OverloadScenario, simulateOverload } from './overload.ts'
