import type { ProbeSpec } from './battery.ts'
import type { Observation } from './contract-rows.ts'
import { type Facts, factsOf, saysNothing } from './facts-of.ts'
import { askRaw, type RawAnswer } from './raw-answer.ts'
import type { ServiceTarget } from './service-target.ts'

/** Asks both targets the same, in turn, so that a bad minute falls on both. One request at a time. */
export async function probeContract(
  [before, after]: readonly [ServiceTarget, ServiceTarget],
  probes: readonly ProbeSpec[],
  { repeats, timeoutMs, signal }: { repeats: number; timeoutMs: number; signal: AbortSignal },
): Promise<Observation[]> {
  const observations: Observation[] = []
  for (const probe of probes) {
    const seen: { before: (Facts | null)[]; after: (Facts | null)[] } = { before: [], after: [] }
    let silence: string | null = null
    for (let turn = 0; turn < repeats; turn++)
      for (const side of turn % 2 === 0 ? (['before', 'after'] as const) : (['after', 'before'] as const)) {
        const target = side === 'before' ? before : after
        const answer = await askRaw(target, probe.body, timeoutMs, signal)
        if (saysNothing(answer)) silence ??= `${target.name}: ${reasonOf(answer)}`
        seen[side].push(saysNothing(answer) ? null : factsOf(probe, answer))
      }
    observations.push({ probe: probe.id, ...seen, silence })
  }
  return observations
}

function reasonOf({ status, body }: RawAnswer): string {
  return status === 0 ? body : `status ${status}`
}
