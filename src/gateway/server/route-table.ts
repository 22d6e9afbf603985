import { type Access, type Route, routes } from '../../contracts/index.ts'

export type GatewayRouteName =
  | 'predict'
  | 'gatewayLive'
  | 'gatewayReady'
  | 'gatewayMetrics'
  | ControlRouteName
  | TextRouteName

/** Paths of OpenAI's that control answers behind the gateway. */
export type ControlRouteName =
  | 'filesCreate'
  | 'filesList'
  | 'filesRetrieve'
  | 'filesContent'
  | 'filesDelete'
  | 'batchesCreate'
  | 'batchesList'
  | 'batchesRetrieve'
  | 'batchesCancel'

export type TextRouteName =
  | 'generate'
  | 'chatCompletions'
  | 'completions'
  | 'responses'
  | 'embeddings'
  | 'moderations'
  | 'rerank'
  | 'messages'
  | 'countTokens'
  | 'listTextModels'
  | 'getTextModel'

/** A route that a request was dispatched to; access is decided from this object and nothing else. */
export interface Dispatched {
  readonly name: GatewayRouteName
  readonly access: Access
  /** What stood for `{…}` in the path, as sent; '' where the path has none. */
  readonly parameter: string
}

interface Pattern {
  readonly name: GatewayRouteName
  readonly method: string
  readonly access: Access
  readonly prefix: string
  readonly suffix: string
}

export function isOfControl(name: GatewayRouteName): name is ControlRouteName {
  return name.startsWith('files') || name.startsWith('batches')
}

/** The published routes of this listener. Those of control answer 404 here. */
export const gatewayRoutes: readonly (Route & { readonly name: string })[] = Object.entries(routes)
  .map(([name, route]) => ({ ...(route as Route), name }))
  .filter((route) => route.listener === 'gateway')

/** Whole paths, found at once; what they are dispatched to is made here, not per request. */
const exact = new Map<string, Map<string, Dispatched>>()
const patterns: Pattern[] = []

for (const { access, method, name, path } of gatewayRoutes) {
  const [prefix = '', suffix] = path.split(/\{\w+\}/)
  const found = { name: name as GatewayRouteName, access }
  if (suffix !== undefined) patterns.push({ ...found, method, prefix, suffix })
  else exact.set(path, (exact.get(path) ?? new Map()).set(method, { ...found, parameter: '' }))
}

/**
 * Finds the route of a request by comparing strings; nothing is decoded, so no spelling of a path reaches a route that
 * another spelling would not. The methods offered there when the path is known and the method is not, else undefined.
 */
export function dispatch(method: string, path: string): Dispatched | readonly string[] | undefined {
  const whole = exact.get(path)
  if (whole !== undefined) return whole.get(method) ?? [...whole.keys()]
  let allowed: string[] | undefined
  for (const pattern of patterns) {
    const parameter = parameterOf(pattern, path)
    if (parameter === undefined) continue
    if (pattern.method === method) return { name: pattern.name, access: pattern.access, parameter }
    allowed ??= []
    allowed.push(pattern.method)
  }
  return allowed
}

function parameterOf(pattern: Pattern, path: string): string | undefined {
  if (!path.startsWith(pattern.prefix) || !path.endsWith(pattern.suffix)) return undefined
  const end = path.length - pattern.suffix.length
  if (end <= pattern.prefix.length) return undefined
  const parameter = path.slice(pattern.prefix.length, end)
  return parameter.includes('/') ? undefined : parameter
}
