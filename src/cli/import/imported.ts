import { stringify } from 'yaml'
import type { z } from 'zod'
import {
  type LimitRule,
  type newProvider,
  type newVersion,
  type PriceOverride,
  type servingPolicy,
  textContract,
  type VersionSpec,
} from '../../contracts/index.ts'
import type { ReportLine } from './ledger.ts'

/** As written in a file: what is left out gets its default when the file is read. */
export type WrittenProvider = z.input<typeof newProvider>
export type WrittenPolicy = z.input<typeof servingPolicy>
export type WrittenSpec = Partial<Omit<VersionSpec, 'contract'>> & Pick<VersionSpec, 'engine'>

export interface ImportedVersion {
  readonly label: string
  readonly spec: WrittenSpec
  /** Of the model's traffic, in percent; all of a model's add up to 100. */
  readonly sharePercent: number
}

export interface ImportedModel {
  readonly model: string
  readonly versions: readonly ImportedVersion[]
}

/** What another gateway's configuration becomes here. */
export interface Imported {
  readonly providers: readonly WrittenProvider[]
  readonly models: readonly ImportedModel[]
  /** By model. */
  readonly policies: Readonly<Record<string, WrittenPolicy>>
  readonly limits: readonly LimitRule[]
  readonly prices: readonly PriceOverride[]
  /** Names of the environment that must hold what stood in the file in clear. */
  readonly secretsToSet: readonly string[]
  readonly report: readonly ReportLine[]
}

export function isWhole({ report }: Imported): boolean {
  return report.every(({ outcome }) => outcome !== 'not-preserved')
}

/** Files by their path below the folder, in the form that the commands read. */
export function filesOf(imported: Imported): Map<string, string> {
  const { limits, models, policies, prices, providers } = imported
  const files = new Map<string, string>()
  if (providers.length > 0) files.set('providers.yaml', yaml(providers))
  for (const { model, versions } of models) {
    const [first, ...others] = versions
    if (first === undefined) continue
    files.set(`models/${model}.yaml`, yaml({ model, champion: { label: first.label, ...first.spec } }))
    for (const { label, spec } of others)
      files.set(`versions/${model}.${label}.json`, `${JSON.stringify(newVersionOf(label, spec), null, 2)}\n`)
  }
  for (const [model, policy] of Object.entries(policies)) files.set(`policies/${model}.yaml`, yaml(policy))
  if (limits.length > 0) files.set('limits.yaml', yaml(limits))
  if (prices.length > 0) files.set('prices.yaml', yaml(prices))
  return files
}

/** What to run, in this order, in the folder that the files were written to. */
export function stepsOf({ limits, models, policies, prices, providers }: Imported): string[] {
  const steps = providers.length > 0 ? ['slipway provider add providers.yaml'] : []
  for (const { model, versions } of models) {
    steps.push(`slipway model add models/${model}.yaml`)
    for (const { label } of versions.slice(1))
      steps.push(
        `curl --fail-with-body -X POST "$CONTROL/api/v1/models/${model}/versions" -H "authorization: Bearer $KEY" -H 'content-type: application/json' -d @versions/${model}.${label}.json`,
        `slipway deploy ${model} ${label}`,
      )
    const split = versions.filter(({ sharePercent }) => sharePercent > 0)
    if (split.length > 1 || split[0] !== versions[0])
      steps.push(
        `slipway traffic set ${model} ${split.map(({ label, sharePercent }) => `${label}=${sharePercent}`).join(' ')}`,
      )
  }
  // After all models: a rung may be another model's version.
  for (const model of Object.keys(policies)) steps.push(`slipway policy set ${model} policies/${model}.yaml`)
  if (limits.length > 0) steps.push('slipway limits set limits.yaml')
  if (prices.length > 0) steps.push('slipway prices set prices.yaml')
  return steps
}

/** The body of `POST /api/v1/models/{model}/versions`. */
function newVersionOf(label: string, spec: WrittenSpec): z.input<typeof newVersion> {
  return { label, spec: { ...spec, contract: textContract } }
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
