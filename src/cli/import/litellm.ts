import type { PriceOverride, TokenPrices } from '../../contracts/index.ts'
import {
  ANY_FAILURE,
  ProviderShelf,
  rungOf,
  type Target,
  type Trigger,
  uniqueName,
  versionsOf,
} from './assemble.ts'
import { perMillion } from './decimal.ts'
import type { Importing } from './fields.ts'
import type { Imported, ImportedModel, WrittenPolicy } from './imported.ts'
import { Ledger } from './ledger.ts'
import { deploymentOf, paramsOf } from './litellm-deployment.ts'
import { type FallbackList, type LiteLlmSettings, settingsOf } from './litellm-settings.ts'
import { SecretNames } from './secrets.ts'
import { isObject, type Path, readYamlSource } from './source.ts'

export interface ImportOptions {
  readonly file: string
  /** ISO date from which imported prices hold. */
  readonly today: string
}

interface Deployment {
  readonly path: Path
  readonly params: Readonly<Record<string, unknown>>
  readonly info: Readonly<Record<string, unknown>>
  readonly target: Target
}

/** One `model_name` with all its deployments. */
interface Group {
  readonly name: string
  readonly model: string
  readonly deployments: Deployment[]
}

const MOST_RUNGS = 8

/**
 * A LiteLLM proxy's `config.yaml` (docs.litellm.ai/docs/proxy/config_settings) as files of ours. Throws `FileError` for
 * what cannot be read; what can be read and has no place here is a line of the report.
 */
export function importLiteLlm(text: string, { file, today }: ImportOptions): Imported {
  const source = readYamlSource(text, file)
  const ledger = new Ledger(source)
  const secrets = new SecretNames(
    [...text.matchAll(/os\.environ\/(\w+)/g)].map((match) => match[1] as string),
  )
  const importing = { ledger, secrets }
  const settings = settingsOf(importing, source.root)
  const groups = groupsOf(importing, source.root, settings)
  const shelf = new ProviderShelf()
  const models = groups.map(
    (group): ImportedModel => ({
      model: group.model,
      versions: versionsOf(
        group.deployments.map(({ target }) => ({ ...target, guardrails: settings.guardrails })),
        shelf,
      ),
    }),
  )
  const policies = policiesOf(importing, groups, models, settings)
  const limits = groups.flatMap((group) => limitOf(importing, group, settings.areRatesLimits))
  const prices = pricesOf(importing, groups, models, { file, today })
  return {
    providers: shelf.providers,
    models,
    policies,
    limits,
    prices,
    secretsToSet: secrets.toSet(),
    report: ledger.lines(),
  }
}

function groupsOf(
  importing: Importing,
  root: Readonly<Record<string, unknown>>,
  settings: LiteLlmSettings,
): Group[] {
  const { ledger } = importing
  const groups = new Map<string, Group>()
  const taken = new Set<string>()
  const entries = Array.isArray(root.model_list) ? root.model_list : []
  for (const [index, entry] of entries.entries()) {
    const path: Path = ['model_list', index]
    const params = paramsOf(entry)
    const name = isObject(entry) ? entry.model_name : undefined
    if (params === undefined || typeof name !== 'string' || name === '') {
      ledger.dropped(path, 'A deployment needs a model_name and litellm_params.')
      continue
    }
    if (name.includes('*')) {
      ledger.dropped(path, 'Slipway has no models by pattern; name each model that is to be served.')
      continue
    }
    const target = deploymentOf(importing, [...path, 'litellm_params'], params, settings.defaults)
    if (target === undefined) {
      ledger.dropped(path, 'The deployment is left out; its litellm_params say why.')
      continue
    }
    const group = groups.get(name) ?? { name, model: uniqueName(name, taken), deployments: [] }
    groups.set(name, group)
    if (group.model === name) ledger.kept([...path, 'model_name'], `model ${group.model}`)
    else
      ledger.changed(
        [...path, 'model_name'],
        `model ${group.model}`,
        'A name is lower case letters, digits, _ and -; clients must ask for it so.',
      )
    const info = isObject(entry) && isObject(entry.model_info) ? entry.model_info : {}
    tellInfo(importing, path, info)
    group.deployments.push({ path, params, info, target })
  }
  return [...groups.values()]
}

function tellInfo({ ledger }: Importing, path: Path, info: Readonly<Record<string, unknown>>): void {
  const at = (key: string) => [...path, 'model_info', key]
  if (info.id !== undefined)
    ledger.lost(at('id'), 'A version is known by its label and by the digest of what it says.')
  if (['chat', 'completion', 'embedding', 'responses', 'rerank'].includes(String(info.mode)))
    ledger.kept(at('mode'), 'every operation of the provider')
}

function policiesOf(
  importing: Importing,
  groups: readonly Group[],
  models: readonly ImportedModel[],
  settings: LiteLlmSettings,
): Record<string, WrittenPolicy> {
  const policies: Record<string, WrittenPolicy> = {}
  const known = new Set(groups.map(({ name }) => name))
  for (const list of settings.fallbacks)
    if (list.from !== undefined && !known.has(list.from))
      importing.ledger.lost(list.path, 'No model of this name is imported.')
  for (const group of groups) {
    const own = settings.fallbacks.filter(({ from }) => from === group.name)
    const hasOwn = own.some(({ on }) => on === 'any')
    const lists = [...own, ...(hasOwn ? [] : settings.fallbacks.filter(({ from }) => from === undefined))]
    const ladder = ladderOf(importing, group, lists, groups, models)
    const cache =
      settings.cacheTtlMs === undefined ? {} : { cache: { exact: { ttlMs: settings.cacheTtlMs } } }
    if (ladder !== undefined || settings.cacheTtlMs !== undefined)
      policies[group.model] = { ...(ladder === undefined ? {} : { ladder }), ...cache }
  }
  return policies
}

function ladderOf(
  { ledger }: Importing,
  group: Group,
  lists: readonly FallbackList[],
  groups: readonly Group[],
  models: readonly ImportedModel[],
): WrittenPolicy['ladder'] | undefined {
  const on = new Set<Trigger>()
  const names: string[] = []
  for (const { on: failure, path, to } of lists) {
    for (const [index, name] of to.entries()) {
      const at = [...path, index]
      if (!groups.some((one) => one.name === name)) ledger.lost(at, 'No model of this name is imported.')
      else if (name === group.name)
        ledger.lost(at, 'A model cannot stand in for itself; its accounts are tried in turn.')
      else if (!names.includes(name) && names.length >= MOST_RUNGS - 1)
        ledger.lost(at, `A ladder has at most ${MOST_RUNGS} rungs.`)
      else {
        if (!names.includes(name)) names.push(name)
        for (const trigger of failure === 'any' ? ANY_FAILURE : [failure]) on.add(trigger)
        ledger.changed(at, `rung of ${group.model}`, RUNG)
      }
    }
  }
  if (names.length === 0) return undefined
  const below = names.map((name, index) => {
    const model = groups.find((one) => one.name === name)?.model
    const first = models.find((one) => one.model === model)?.versions[0]?.label ?? 'v1'
    return rungOf(index + 1, model, first, [...on])
  })
  return {
    rungs: [{ kind: 'primary', name: 'primary', quality: 1, trigger: { on: [...on] } }, ...below],
    // There nothing bounds how often a fallback answers, and load moves nobody down.
    monthlyDegradedShare: 1,
    degradeUnderLoad: [],
  }
}

const RUNG =
  'Rungs answer in one order after every failure that any list names, before any content; a rung that fails often is left aside. Its quality is a guess: measure it.'

function limitOf({ ledger }: Importing, group: Group, areLimits: boolean): Imported['limits'][number][] {
  const limit: { requestsPerMinute?: number; tokensPerMinute?: number } = {}
  for (const [key, ours] of [
    ['rpm', 'requestsPerMinute'],
    ['tpm', 'tokensPerMinute'],
  ] as const) {
    const written = group.deployments.filter(({ params }) => params[key] !== undefined)
    const values = written.map(({ params }) => params[key])
    const isLimit =
      areLimits &&
      written.length === group.deployments.length &&
      values.every((value): value is number => typeof value === 'number' && value > 0 && value <= 1e9)
    const sum = isLimit ? (values as number[]).reduce((left, right) => left + right, 0) : undefined
    if (sum !== undefined && sum <= 1e9) limit[ours] = sum
    for (const { params, path } of written) {
      const at = [...path, 'litellm_params', key]
      if (sum !== undefined)
        ledger.changed(
          at,
          `limit ${group.model}: ${ours} ${sum}`,
          'A limit is of the whole model, counted by each gateway; the rate is also the weight where none is written.',
        )
      else if (areLimits)
        ledger.lost(at, 'A limit is of the whole model; not every deployment of it has this one.')
      else if (
        key === 'tpm' ? params.weight !== undefined || params.rpm !== undefined : params.weight !== undefined
      )
        ledger.lost(
          at,
          'It limits nothing by this routing_strategy, and another value is the weight. Write a limit of the model.',
        )
    }
  }
  return Object.keys(limit).length === 0 ? [] : [{ name: group.model, model: group.model, ...limit }]
}

/** LiteLLM's prices of a token, in dollars, by our class of tokens. */
const PRICES: Readonly<Record<string, keyof TokenPrices>> = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cacheRead',
  cache_creation_input_token_cost: 'cacheWrite',
  cache_creation_input_token_cost_above_1hr: 'cacheWriteHour',
  output_cost_per_reasoning_token: 'reasoning',
  input_cost_per_audio_token: 'inputAudio',
  output_cost_per_audio_token: 'outputAudio',
}

function pricesOf(
  { ledger }: Importing,
  groups: readonly Group[],
  models: readonly ImportedModel[],
  { file, today }: ImportOptions,
): PriceOverride[] {
  const prices = new Map<string, PriceOverride>()
  for (const group of groups) {
    const versions = models.find(({ model }) => model === group.model)?.versions ?? []
    for (const { info, params, path, target } of group.deployments) {
      const own: TokenPrices = {}
      const places: Path[] = []
      for (const [holder, values] of [
        ['model_info', info],
        ['litellm_params', params],
      ] as const)
        for (const [theirs, ours] of Object.entries(PRICES)) {
          if (values[theirs] === undefined) continue
          const at = [...path, holder, theirs]
          const price = perMillion(values[theirs])
          if (price === undefined)
            ledger.lost(at, 'It is no price that can be written as dollars a million tokens.')
          else {
            own[ours] = price
            places.push(at)
            ledger.kept(at, `prices.${ours}: ${price} dollars a million tokens`)
          }
        }
      if (places.length === 0) continue
      const spec = versions.find(({ spec }) => spec.modelName === target.modelName)?.spec
      const provider = spec?.provider ?? target.kind
      const key = `${provider}/${target.modelName}`
      const before = prices.get(key)
      if (before !== undefined && JSON.stringify(before.prices) !== JSON.stringify(own)) {
        for (const at of places)
          ledger.lost(at, `${key} has another price already; a price is of a provider's model.`)
        continue
      }
      prices.set(key, {
        provider,
        model: target.modelName,
        prices: own,
        from: today,
        source: `imported from ${file}`.slice(0, 500),
      })
    }
  }
  return [...prices.values()]
}
