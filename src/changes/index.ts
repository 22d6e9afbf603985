export { type Changes, createChanges } from './changes.ts'
export { defaultPolicy } from './policy.ts'
export { gatewayProbe } from './probe.ts'
export { verifyBundle } from './verify.ts'
