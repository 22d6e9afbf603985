export { createTelemetry, type Telemetry } from './telemetry.ts'
export type { TextStates } from './text-states.ts'
export type { TextSummary } from './text-summary.ts'
export { rebin } from './windows.ts'
