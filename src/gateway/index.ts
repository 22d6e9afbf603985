export { Gateway } from './gateway.ts'
export { defaultGatewayLimits, type GatewayLimits } from './limits.ts'
