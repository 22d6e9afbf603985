import { isRemoteEngine, type VersionSpec } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { ApiParts, Handlers } from '../parts.ts'

const HOUR_MS = 3_600_000
const MAX_SPAN_MS = 7 * 24 * HOUR_MS
/** Of a version's series; a page draws some hundreds. */
const MAX_POINTS = 1500

/** What a model of text did, and who answers for it now. */
export function textStatsHandlers(parts: ApiParts): Handlers<'getTextStats' | 'postTextState'> {
  const { clock, store, telemetry } = parts

  /** Providers that its versions name for answers or for moderation. */
  async function providersOf(model: string): Promise<Set<string>> {
    const named = new Set<string>()
    for (const { version } of await store.deployments.list({ model, includeStopped: true }))
      for (const provider of providersIn((await store.versions.get(model, version)).spec)) named.add(provider)
    return named
  }

  return {
    async getTextStats({ params: { model }, query }) {
      await store.models.get(model)
      const toMs = query.toMs ?? clock.nowMs() + 1
      const fromMs = query.fromMs ?? toMs - HOUR_MS
      const sizeMs = Math.ceil(query.sizeMs / 60_000) * 60_000
      const spanMs = toMs - fromMs
      if (!(spanMs > 0 && spanMs <= MAX_SPAN_MS))
        throw new SlipwayError('invalid_request', {
          reason: 'fromMs must lie before toMs, a week at most.',
        })
      if (spanMs / sizeMs > MAX_POINTS)
        throw new SlipwayError('invalid_request', {
          reason: `That is more than ${MAX_POINTS} points; ask for a larger sizeMs.`,
        })
      const [summary, named, replicas] = await Promise.all([
        telemetry.text({ model, fromMs, toMs, sizeMs }),
        providersOf(model),
        parts.textReplicas(model),
      ])
      // Rungs may lead to other models; whoever was asked is shown.
      const providers = new Set([...named, ...summary.tries.map(({ provider }) => provider)])
      return {
        model,
        fromMs,
        toMs,
        sizeMs,
        ...summary,
        gateways: telemetry.textStates.of(model, providers),
        replicas,
      }
    },
    async postTextState({ body }) {
      telemetry.textStates.take(body)
    },
  }
}

function providersIn(spec: VersionSpec): string[] {
  const own = isRemoteEngine(spec.engine) && spec.provider !== undefined ? [spec.provider] : []
  const rules = (spec.guardrails ?? []).flatMap((rule) => (rule.kind === 'moderation' ? [rule.provider] : []))
  return [...own, ...rules]
}
