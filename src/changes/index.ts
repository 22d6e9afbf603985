export { type Changes, createChanges } from './changes.ts'
export { defaultPolicy, type Policy, parsePolicy } from './policy.ts'
export { gatewayProbe } from './probe.ts'
export { verifyBundle } from './verify.ts'
