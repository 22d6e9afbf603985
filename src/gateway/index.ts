export { Gateway } from './gateway.ts'
export { defaultGatewayLimits, type GatewayLimits } from './limits.ts'
export { standardText } from './text/standard-text.ts'
