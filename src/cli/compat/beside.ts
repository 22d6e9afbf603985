import { basename } from 'node:path'
import { type ModelFacts, readArtifact } from '../../artifacts/index.ts'
import {
  type Assessment,
  adaptersOnBase,
  engineProfiles,
  gib,
  switchMs,
  together,
} from '../../sizing/index.ts'
import type { ReportPart } from './report.ts'

export interface Beside {
  /** Other models that are to share the GPU. */
  readonly models: readonly string[]
  readonly adapters: { readonly rank: number; readonly wanted: number } | null
}

/** What else is to be on the same GPU: other models, each in a process of its own, and adapters on this one. */
export function besideParts(
  name: string,
  facts: ModelFacts,
  assessment: Assessment,
  beside: Beside,
): ReportPart[] {
  const { gpu, engine, contextTokens, concurrency, kvType } = assessment
  if (gpu === null || engine === null) return []
  const profile = engineProfiles[engine]
  const tenant = { facts, contextTokens, concurrency }
  const parts: ReportPart[] = []
  if (beside.models.length > 0) {
    const all = [{ name, facts }, ...beside.models.map((path) => ({ name: path, facts: readArtifact(path) }))]
    const room = together(
      all.map((one) => ({ ...tenant, ...one, name: basename(one.name) })),
      gpu,
      profile,
      kvType,
    )
    if (room !== null)
      parts.push({
        heading: `Together on one ${gpu.name}`,
        lines: [
          `${room.fits ? 'they fit' : 'they do not fit'}: ${gib(room.usedBytes)} of ${gib(room.usableBytes)}`,
        ],
        table: {
          header: ['Model', 'Takes', 'Share of the GPU', 'Switched in from disk'],
          rows: room.tenants.map((one, index) => [
            one.name,
            gib(one.bytes),
            `${(one.share * 100).toFixed(1)} %`,
            `${(switchMs(all[index]?.facts.weightBytes ?? 0, gpu).fromDiskMs / 1000).toFixed(1)} s`,
          ]),
        },
      })
  }
  const on = beside.adapters === null ? null : adaptersOnBase(tenant, gpu, profile, beside.adapters, kvType)
  if (on !== null && beside.adapters !== null)
    parts.push({
      heading: `Adapters of rank ${beside.adapters.rank}`,
      lines: [
        `${gib(on.bytesEach)} each; ${on.most} fit beside ${concurrency} sequences, ${beside.adapters.wanted} are wanted`,
        ...(on.sequencesLost === null
          ? []
          : [`they take the place of ${on.sequencesLost.toFixed(1)} sequences`]),
      ],
      table: null,
    })
  return parts
}
