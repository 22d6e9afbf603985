export { explainLadder, type LadderOutcome, simulateLadder, standardScenarios } from './ladder.ts'
