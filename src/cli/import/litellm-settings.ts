import type { Guardrail } from '../../contracts/index.ts'
import { given } from './assemble.ts'
import { type Importing, numberAt } from './fields.ts'
import type { DeploymentDefaults } from './litellm-deployment.ts'
import { isObject, type Path } from './source.ts'

/** Which models answer after which, and after what failure. */
export interface FallbackList {
  readonly on: 'any' | 'context-length' | 'content-filter'
  readonly path: Path
  /** Undefined: of every model that has none of its own. */
  readonly from: string | undefined
  readonly to: readonly string[]
}

/** Settings that say something of all models. */
export interface LiteLlmSettings {
  readonly defaults: DeploymentDefaults
  readonly fallbacks: readonly FallbackList[]
  readonly cacheTtlMs: number | undefined
  readonly areRatesLimits: boolean
  readonly guardrails: readonly Guardrail[]
}

const FALLBACKS = {
  fallbacks: 'any',
  default_fallbacks: 'any',
  context_window_fallbacks: 'context-length',
  content_policy_fallbacks: 'content-filter',
} as const

const CIRCUIT =
  'Circuits are fixed here: five failures in a row leave an account out for a second, doubled up to a minute; a 429 for as long as it says.'
const STORE = 'What is counted and cached is in each gateway’s own memory.'
const RECORDS = 'Records of requests go to control, figures to /metrics; there are no callbacks.'

/** Why known settings have no place here; of others the report says that they are not known. */
const WHY: Readonly<Record<string, string>> = {
  'router_settings.cooldown_time': CIRCUIT,
  'router_settings.allowed_fails': CIRCUIT,
  'router_settings.allowed_fails_policy': CIRCUIT,
  'router_settings.disable_cooldowns': CIRCUIT,
  'router_settings.retry_policy':
    'What is tried again is fixed: no connection, resets, 429, 5xx, before any content.',
  'router_settings.retry_after': 'The provider’s own retry-after is kept to; else the wait is doubled.',
  'router_settings.redis_host': STORE,
  'router_settings.redis_port': STORE,
  'router_settings.redis_password': STORE,
  'router_settings.redis_url': STORE,
  'router_settings.model_group_alias': 'A model has one name; add the model’s file under the other name too.',
  'router_settings.enable_pre_call_checks':
    'Nothing is counted before the call; a text that is too long takes the ladder, where a rung is triggered by context-length.',
  'litellm_settings.callbacks': RECORDS,
  'litellm_settings.success_callback': RECORDS,
  'litellm_settings.failure_callback': RECORDS,
  'litellm_settings.service_callback': RECORDS,
  'litellm_settings.drop_params':
    'A client says itself what may be left out, by the header x-slipway-drop; nothing is left out in silence.',
  'litellm_settings.max_budget':
    'Write a limit with costUsdPerDay or costUsdPerMonth; other periods do not exist.',
  'litellm_settings.budget_duration': 'A limit is for a day or a month.',
  'general_settings.master_key': 'Keys are made here: slipway keys create NAME --scope admin.',
  'general_settings.database_url': 'State is in the data folder; no database is needed.',
  environment_variables: 'Set it in the environment of the gateway; values are not copied.',
  include: 'Import each of these files by itself.',
}

export function settingsOf(importing: Importing, root: Readonly<Record<string, unknown>>): LiteLlmSettings {
  const router = isObject(root.router_settings) ? root.router_settings : {}
  const general = isObject(root.litellm_settings) ? root.litellm_settings : {}
  for (const [key, why] of Object.entries(WHY)) {
    const path = key.split('.')
    if (path.length > 1 || root[key] !== undefined) importing.ledger.lost(path, why)
  }
  importing.ledger.lost(
    ['general_settings'],
    'It is about the server and its keys, which Slipway has its own of.',
  )
  tellGeneralReasons(importing)
  const ofRouter = defaultsOf(importing, ['router_settings'], router, 'timeout')
  const ofAll = defaultsOf(importing, ['litellm_settings'], general, 'request_timeout')
  return {
    defaults: { ...ofAll, ...ofRouter },
    fallbacks: [
      ...fallbacksOf(importing, ['router_settings'], router),
      ...fallbacksOf(importing, ['litellm_settings'], general),
    ],
    cacheTtlMs: cacheOf(importing, general),
    areRatesLimits: strategyOf(importing, router),
    guardrails: guardrailsOf(importing, root),
  }
}

function tellGeneralReasons({ ledger }: Importing): void {
  for (const key of ['master_key', 'database_url'])
    ledger.lost(['general_settings', key], WHY[`general_settings.${key}`] as string)
}

function defaultsOf(
  importing: Importing,
  path: Path,
  settings: Readonly<Record<string, unknown>>,
  timeoutKey: string,
): DeploymentDefaults {
  const ms = (key: string, to: string, most: number) =>
    numberAt(importing, [...path, key], settings[key], { to, least: 1, most, times: 1000, isWhole: true })
  return given({
    totalMs: ms(timeoutKey, 'timeouts.totalMs of each provider that has none of its own', 86_400_000),
    firstContentMs: ms('stream_timeout', 'timeouts.firstContentMs of each provider', 3_600_000),
    maxRetries: numberAt(importing, [...path, 'num_retries'], settings.num_retries, {
      to: 'maxRetries of each provider that has none of its own',
      least: 0,
      most: 10,
      isWhole: true,
    }),
  })
}

function fallbacksOf(
  { ledger }: Importing,
  path: Path,
  settings: Readonly<Record<string, unknown>>,
): FallbackList[] {
  const lists: FallbackList[] = []
  for (const [key, on] of Object.entries(FALLBACKS)) {
    const written = settings[key]
    if (!Array.isArray(written)) continue
    if (key === 'default_fallbacks') {
      lists.push({
        on,
        path: [...path, key],
        from: undefined,
        to: written.filter((one) => typeof one === 'string'),
      })
      continue
    }
    for (const [index, entry] of written.entries()) {
      if (!isObject(entry)) {
        ledger.lost([...path, key, index], 'It is no map of a model to its fallbacks.')
        continue
      }
      for (const [from, to] of Object.entries(entry))
        if (Array.isArray(to)) lists.push({ on, path: [...path, key, index, from], from, to: to.map(String) })
    }
  }
  return lists
}

/** Whether rates are limits: by usage-based routing only; a shuffle takes them for weights. */
function strategyOf({ ledger }: Importing, router: Readonly<Record<string, unknown>>): boolean {
  const path = ['router_settings', 'routing_strategy']
  const strategy = router.routing_strategy
  if (strategy === undefined) return false
  if (strategy === 'simple-shuffle') ledger.kept(path, 'accounts by weight, versions by share')
  else
    ledger.lost(
      path,
      'Accounts are chosen by weight and health, versions by their shares; there is no other strategy.',
    )
  return typeof strategy === 'string' && strategy.startsWith('usage-based-routing')
}

/** LiteLLM's cache in memory keeps an answer for ten minutes where nothing else is said. */
const DEFAULT_TTL_SECONDS = 600

function cacheOf(importing: Importing, settings: Readonly<Record<string, unknown>>): number | undefined {
  const { ledger } = importing
  const path = ['litellm_settings', 'cache']
  const params = isObject(settings.cache_params) ? settings.cache_params : {}
  const at = (key: string) => ['litellm_settings', 'cache_params', key]
  ledger.lost(['litellm_settings', 'cache_params'], STORE)
  if (settings.cache !== true) {
    if (settings.cache === false) ledger.kept(path, 'no cache, as without it')
    else if (settings.cache !== undefined) ledger.lost(path, 'Write true or false.')
    return undefined
  }
  if (params.mode === 'default_off') {
    ledger.lost(path, 'A cache is on for a model or off; no request can ask for it.')
    return undefined
  }
  const type = params.type ?? 'local'
  if (type === 'local') ledger.kept(at('type'), 'cache.exact, in the gateway’s memory')
  else if (/semantic/.test(String(type)))
    ledger.lost(
      at('type'),
      'Equal questions are cached; for similar ones write cache.semantic with a model that embeds.',
    )
  else ledger.lost(at('type'), STORE)
  const ttlMs = numberAt(importing, at('ttl'), params.ttl, {
    to: 'cache.exact.ttlMs of each policy',
    least: 1,
    most: 2_592_000_000,
    times: 1000,
    isWhole: true,
  })
  ledger.changed(
    path,
    'cache.exact of each policy',
    params.ttl === undefined
      ? `The file says no time; ${DEFAULT_TTL_SECONDS} s are written. Each gateway has its own, and each tenant.`
      : 'Each gateway has its own cache.',
  )
  return ttlMs ?? DEFAULT_TTL_SECONDS * 1000
}

const PII: Readonly<Record<string, Extract<Guardrail, { kind: 'pii' }>['detect'][number]>> = {
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  CREDIT_CARD: 'credit-card',
  IBAN_CODE: 'iban',
  US_SSN: 'ssn',
  IP_ADDRESS: 'ip-address',
  PERSON: 'person-name',
}

/** Presidio and hide-secrets, where they run by default; others are services and code that stay where they are. */
function guardrailsOf({ ledger }: Importing, root: Readonly<Record<string, unknown>>): Guardrail[] {
  ledger.lost(['litellm_settings', 'guardrails'], 'Write it as guardrails of the version; see docs/llm.md.')
  const rules: Guardrail[] = []
  if (!Array.isArray(root.guardrails)) return rules
  for (const [index, entry] of root.guardrails.entries()) {
    const path = ['guardrails', index]
    const params = isObject(entry) && isObject(entry.litellm_params) ? entry.litellm_params : {}
    const at = (key: string) => [...path, 'litellm_params', key]
    const checkpoint =
      params.mode === 'post_call' ? 'output' : params.mode === 'pre_call' ? 'input' : undefined
    if (params.default_on !== true || checkpoint === undefined) {
      ledger.lost(path, 'Rules are of a version and always on, at input, output and others; this one is not.')
      continue
    }
    const common = {
      name: `imported-${index + 1}`,
      checkpoints: [checkpoint] as ['input' | 'output'],
      mode: 'enforce' as const,
      onError: 'closed' as const,
      timeoutMs: 1000,
    }
    const before = rules.length
    if (params.guardrail === 'hide-secrets') rules.push({ kind: 'secrets', ...common, action: 'redact' })
    else if (params.guardrail === 'presidio') {
      const entities = isObject(params.pii_entities_config) ? params.pii_entities_config : {}
      for (const [action, word] of [
        ['redact', 'MASK'],
        ['block', 'BLOCK'],
      ] as const) {
        const detect = Object.entries(entities).flatMap(([entity, how]) => {
          const ours = Object.hasOwn(PII, entity) ? PII[entity] : undefined
          if (how === word && ours !== undefined)
            ledger.changed(
              [...at('pii_entities_config'), entity],
              `pii ${ours}, ${action}`,
              'Found by our own rules, not by Presidio.',
            )
          return how === word && ours !== undefined ? [ours] : []
        })
        if (detect.length > 0)
          rules.push({ kind: 'pii', ...common, name: `${common.name}-${action}`, detect, action })
      }
    } else {
      ledger.lost(path, 'It is a service or code of its own; ask it by a rule of the kind http.')
      continue
    }
    if (rules.length === before) {
      ledger.lost(path, 'It names nothing that our rule for personal data finds.')
      continue
    }
    ledger.changed(at('guardrail'), 'guardrails of each version', 'Found by our own rules.')
    ledger.kept(at('mode'), `checkpoint ${checkpoint}`)
    ledger.kept(at('default_on'), 'guardrails of each version')
    if (isObject(entry) && entry.guardrail_name !== undefined)
      ledger.changed([...path, 'guardrail_name'], common.name, 'Rules have names of their own.')
  }
  return rules
}
