export { Gateway, type GatewayOptions } from './gateway.ts'
export { defaultGatewayLimits, type GatewayLimits } from './limits.ts'
