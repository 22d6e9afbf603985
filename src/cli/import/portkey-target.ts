import type { Guardrail, ProviderKind } from '../../contracts/index.ts'
import { given, type Target } from './assemble.ts'
import { addressOf, headersOf, type Importing, numberAt, samplingOf, secretAt, textAt } from './fields.ts'
import { kindInName, portkeyKind } from './portkey-names.ts'
import { isObject, type Path } from './source.ts'

/** What a target gets from the levels above it. */
export interface Inherited {
  readonly totalMs?: number
  readonly maxRetries?: number
  readonly guardrails: readonly Guardrail[]
  /** `override_params` of each level down to the target's own; the lowest goes first. */
  readonly overrides: readonly { readonly path: Path; readonly values: Readonly<Record<string, unknown>> }[]
}

const SAMPLING = {
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  seed: 'seed',
  stop: 'stop',
} as const

/** A target that names a provider; undefined, with the reason told, where it cannot be served. */
export function targetOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  inherited: Inherited,
  weight: number,
): Target | undefined {
  const { ledger } = importing
  const at = (key: string): Path => [...path, key]
  const named = kindOf(importing, path, written)
  if (named === undefined) return undefined
  const address = addressOf(importing, at('custom_host'), written.custom_host, named)
  const kind = named === 'openai' && address !== undefined ? 'openai-compatible' : named
  const azure = azureOf(importing, path, written)
  const modelName = modelIn(inherited) ?? azure.modelName
  if (modelName === undefined || modelName.length > 300) {
    ledger.dropped(
      path,
      'The target is left out: it names no model (override_params.model), which clients name there; here a version names it.',
    )
    return undefined
  }
  for (const { path: place } of inherited.overrides)
    ledger.kept([...place, 'model'], 'modelName of each version below that names none itself')
  return {
    kind,
    modelName,
    ...given({
      baseUrl: address ?? azure.baseUrl,
      apiVersion: azure.apiVersion,
      ...keysOf(importing, path, written, kind),
      totalMs: inherited.totalMs,
      maxRetries: inherited.maxRetries,
      sampling: mergedSampling(importing, inherited),
      headers: headersOf(importing, at('headers'), written.headers),
    }),
    guardrails: inherited.guardrails,
    weight,
  }
}

function modelIn({ overrides }: Inherited): string | undefined {
  const names = overrides.map(({ values }) => values.model)
  return names.findLast((name): name is string => typeof name === 'string' && name !== '')
}

function mergedSampling(importing: Importing, { overrides }: Inherited): Target['sampling'] {
  const sampling = Object.assign(
    {},
    ...overrides.map(({ path, values }) => samplingOf(importing, path, values, SAMPLING)),
  )
  return Object.keys(sampling).length === 0 ? undefined : sampling
}

function kindOf(
  { ledger }: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
): ProviderKind | undefined {
  const { provider, virtual_key: virtualKey } = written
  if (typeof provider === 'string' && !provider.startsWith('@')) {
    const kind = portkeyKind(provider)
    if (kind !== undefined) {
      ledger.kept([...path, 'provider'], `kind ${kind}`)
      return kind
    }
    if (written.custom_host !== undefined) {
      ledger.changed(
        [...path, 'provider'],
        'kind openai-compatible',
        'It has no kind here; its address must speak chat completions.',
      )
      return 'openai-compatible'
    }
    ledger.dropped(path, `The target is left out: no kind of provider here is "${provider}".`)
    return undefined
  }
  const name = typeof provider === 'string' ? provider : virtualKey
  const kind = typeof name === 'string' ? kindInName(name) : undefined
  if (kind === undefined) {
    ledger.dropped(
      path,
      'The target is left out: what provider it is stands in the other tool’s vault. Add "provider" and import again.',
    )
    return undefined
  }
  ledger.changed(
    [...path, typeof provider === 'string' ? 'provider' : 'virtual_key'],
    `kind ${kind}`,
    'The kind is read from its name.',
  )
  return kind
}

function keysOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  kind: ProviderKind,
) {
  const secret = (key: string, name: string, to: string) =>
    written[key] === undefined ? undefined : secretAt(importing, [...path, key], written[key], name, to)
  const text = (key: string, most: number, to: string) =>
    textAt(importing, [...path, key], written[key], most, to)
  const virtual =
    written.virtual_key ?? (String(written.provider).startsWith('@') ? written.provider : undefined)
  const usual = `${kind === 'vertex' ? 'vertex_credentials' : `${kind}_api_key`}`
  const fromVault =
    typeof virtual === 'string'
      ? vaulted(importing, [...path, written.virtual_key === undefined ? 'provider' : 'virtual_key'], virtual)
      : undefined
  return {
    key:
      kind === 'bedrock'
        ? (secret('aws_access_key_id', 'AWS_ACCESS_KEY_ID', 'key of the account') ?? fromVault)
        : kind === 'vertex'
          ? (secret('vertex_service_account_json', usual, 'key of the account') ?? fromVault)
          : (secret('api_key', usual, 'key of the account') ?? fromVault),
    secret: secret('aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY', 'secret of the account'),
    sessionToken: secret('aws_session_token', 'AWS_SESSION_TOKEN', 'sessionToken of the account'),
    region:
      text('aws_region', 60, 'region of the account') ?? text('vertex_region', 60, 'region of the account'),
    project: text('vertex_project_id', 100, 'project of the provider'),
  }
}

/** A key that lies in the other tool's vault gets a name of the environment. */
function vaulted({ ledger, secrets }: Importing, path: Path, slug: string): string {
  const name = secrets.nameFor(`vault ${slug}`, `VIRTUAL_KEY_${slug.replace(/^@/, '')}`)
  ledger.changed(
    path,
    `key of the account: \${env:${name}}`,
    `The key lies in the other tool's vault: set ${name} in the gateway's environment. The kind is as the name begins, or as provider says.`,
  )
  return `\${env:${name}}`
}

function azureOf(importing: Importing, path: Path, written: Readonly<Record<string, unknown>>) {
  const one = (...keys: string[]) => keys.find((key) => written[key] !== undefined)
  const text = (key: string | undefined, most: number, to: string) =>
    key === undefined ? undefined : textAt(importing, [...path, key], written[key], most, to)
  const resource = text(one('azure_resource_name', 'resource_name'), 60, 'baseUrl of the provider')
  return {
    baseUrl:
      resource === undefined || !/^[A-Za-z0-9-]+$/.test(resource)
        ? undefined
        : `https://${resource.toLowerCase()}.openai.azure.com`,
    modelName: text(one('azure_deployment_id', 'deployment_id'), 300, 'modelName of the version'),
    apiVersion: text(one('azure_api_version', 'api_version'), 60, 'apiVersion of the provider'),
  }
}

/** `request_timeout` (milliseconds) and `retry` of a level, over what stands above it. */
export function inheritedOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  above: Inherited,
): Inherited {
  const { ledger } = importing
  const retry = isObject(written.retry) ? written.retry : {}
  const at = [...path, 'retry']
  if (retry.on_status_codes !== undefined)
    ledger.lost(
      [...at, 'on_status_codes'],
      'What is tried again is fixed: no connection, resets, 429, 5xx, before any content.',
    )
  if (retry.use_retry_after_header !== undefined)
    ledger.changed(
      [...at, 'use_retry_after_header'],
      'always',
      'An account rests for as long as the header says.',
    )
  const number = (place: Path, value: unknown, to: string, least: number, most: number) =>
    numberAt(importing, place, value, { to, least, most, isWhole: true })
  return {
    ...given({
      totalMs:
        number([...path, 'request_timeout'], written.request_timeout, 'timeouts.totalMs', 1, 86_400_000) ??
        above.totalMs,
      maxRetries:
        number([...at, 'attempts'], retry.attempts, 'maxRetries of the provider', 0, 10) ?? above.maxRetries,
    }),
    guardrails: above.guardrails,
    overrides: isObject(written.override_params)
      ? [...above.overrides, { path: [...path, 'override_params'], values: written.override_params }]
      : above.overrides,
  }
}
