export { createTelemetry, type Telemetry } from './telemetry.ts'
export { rebin } from './windows.ts'
