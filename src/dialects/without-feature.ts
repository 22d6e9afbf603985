import type { GenerateRequest } from '../contracts/index.ts'

/**
 * The request without what an `UnsupportedFeature` named: a key (`seed`), an extra (`extras.store`), or a place in it
 * (`messages.2.content.0.cache`, `tools.0.strict`). Undefined where it is not there, or where nothing would be left to ask.
 */
export function withoutFeature(request: GenerateRequest, feature: string): GenerateRequest | undefined {
  if (feature.startsWith('extras.')) {
    const { [feature.slice('extras.'.length)]: left, ...extras } = request.extras ?? {}
    return left === undefined ? undefined : { ...request, extras }
  }
  const steps = feature.split('.')
  const less = removed(request, steps) as GenerateRequest | undefined
  return less?.messages === undefined || less.messages.length === 0 ? undefined : less
}

/** A copy along the path, the rest shared. */
function removed(holder: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps
  if (step === undefined || typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, step))
    return undefined
  const inner = (holder as Record<string, unknown>)[step]
  const less = rest.length === 0 ? undefined : removed(inner, rest)
  if (rest.length > 0 && less === undefined) return undefined
  if (Array.isArray(holder))
    return rest.length === 0 ? holder.toSpliced(Number(step), 1) : holder.with(Number(step), less)
  const copy: Record<string, unknown> = { ...holder }
  if (rest.length === 0) delete copy[step]
  else copy[step] = less
  return copy
}
