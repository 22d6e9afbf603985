import type { ProviderKind } from '../../contracts/index.ts'
import { given, type Target } from './assemble.ts'
import { addressOf, headersOf, type Importing, numberAt, samplingOf, secretAt, textAt } from './fields.ts'
import { DEFAULT_KEYS, nameModel } from './litellm-names.ts'
import { envRef } from './secrets.ts'
import { isObject, type Path } from './source.ts'

/** What deployments get that say nothing themselves. */
export interface DeploymentDefaults {
  readonly totalMs?: number
  readonly firstContentMs?: number
  readonly maxRetries?: number
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

/** One entry of `model_list`; undefined, with the reason told, where it cannot be served. */
export function deploymentOf(
  importing: Importing,
  path: Path,
  params: Readonly<Record<string, unknown>>,
  defaults: DeploymentDefaults,
): Target | undefined {
  const { ledger } = importing
  const at = (key: string): Path => [...path, key]
  const written = params.model
  const custom = typeof params.custom_llm_provider === 'string' ? params.custom_llm_provider : undefined
  const named =
    typeof written === 'string'
      ? nameModel(written, custom, params.api_base !== undefined)
      : 'litellm_params.model must be a text.'
  if (typeof named === 'string' || named.modelName === '' || named.modelName.length > 300) {
    const why =
      typeof named === 'string' ? named : 'The name of the model is empty or longer than 300 characters.'
    ledger.dropped(path, `The deployment is left out: ${why}`)
    return undefined
  }
  const address = addressOf(importing, at('api_base'), params.api_base, named.kind)
  const kind: ProviderKind =
    named.kind === 'openai' && address !== undefined && !/\/\/api\.openai\.com\//.test(`${address}/`)
      ? 'openai-compatible'
      : named.kind
  if (kind === named.kind) ledger.kept(at('model'), `${kind}, modelName ${named.modelName}`)
  else ledger.changed(at('model'), `${kind}, modelName ${named.modelName}`, 'It has an address of its own.')
  if (custom !== undefined) ledger.kept(at('custom_llm_provider'), `kind ${kind}`)
  const wanted = DEFAULT_KEYS[kind] ?? `${kind}_API_KEY`
  return {
    kind,
    modelName: named.modelName,
    ...given({
      baseUrl: address,
      ...credentials(importing, path, params, kind, wanted),
      ...numbers(importing, path, params, defaults),
      sampling: samplingOf(importing, path, params, SAMPLING),
      headers: headersOf(importing, at('extra_headers'), params.extra_headers),
    }),
    weight: weightOf(importing, path, params),
  }
}

function credentials(
  importing: Importing,
  path: Path,
  params: Readonly<Record<string, unknown>>,
  kind: ProviderKind,
  wanted: string,
) {
  const { ledger } = importing
  const at = (key: string): Path => [...path, key]
  const secret = (key: string, name: string, to: string) =>
    params[key] === undefined ? undefined : secretAt(importing, at(key), params[key], name, to)
  if (kind === 'bedrock')
    return {
      key:
        secret('aws_access_key_id', 'AWS_ACCESS_KEY_ID', 'key of the account') ??
        secret('api_key', 'AWS_BEARER_TOKEN_BEDROCK', 'key of the account') ??
        envRef('AWS_ACCESS_KEY_ID'),
      secret:
        secret('aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY', 'secret of the account') ??
        (params.api_key === undefined ? envRef('AWS_SECRET_ACCESS_KEY') : undefined),
      sessionToken: secret('aws_session_token', 'AWS_SESSION_TOKEN', 'sessionToken of the account'),
      region: textAt(importing, at('aws_region_name'), params.aws_region_name, 60, 'region of the account'),
    }
  if (kind === 'vertex')
    return {
      key: secret('vertex_credentials', 'VERTEX_CREDENTIALS', 'key of the account'),
      project: textAt(importing, at('vertex_project'), params.vertex_project, 100, 'project of the provider'),
      region: textAt(importing, at('vertex_location'), params.vertex_location, 60, 'region of the account'),
    }
  // A key that is not written is read from the provider's usual name, as there.
  const usual = DEFAULT_KEYS[kind] === undefined ? undefined : envRef(wanted)
  if (params.organization !== undefined)
    ledger.lost(at('organization'), 'Write it as the header OpenAI-Organization of the provider.')
  return {
    key: secret('api_key', wanted, 'key of the account') ?? usual,
    ...(kind === 'azure-openai' || kind === 'anthropic'
      ? {
          apiVersion: textAt(
            importing,
            at('api_version'),
            params.api_version,
            60,
            'apiVersion of the provider',
          ),
        }
      : {}),
  }
}

function numbers(
  importing: Importing,
  path: Path,
  params: Readonly<Record<string, unknown>>,
  defaults: DeploymentDefaults,
) {
  const at = (key: string): Path => [...path, key]
  const ms = (key: string, to: string, most: number) =>
    numberAt(importing, at(key), params[key], { to, least: 1, most, times: 1000, isWhole: true })
  return {
    totalMs: ms('timeout', 'timeouts.totalMs', 86_400_000) ?? defaults.totalMs,
    firstContentMs: ms('stream_timeout', 'timeouts.firstContentMs', 3_600_000) ?? defaults.firstContentMs,
    maxRetries:
      numberAt(importing, at('max_retries'), params.max_retries, {
        to: 'maxRetries of the provider',
        least: 0,
        most: 10,
        isWhole: true,
      }) ?? defaults.maxRetries,
  }
}

/** As the router there shuffles: by weight, else by rpm, else by tpm, else evenly. */
function weightOf(importing: Importing, path: Path, params: Readonly<Record<string, unknown>>): number {
  for (const key of ['weight', 'rpm', 'tpm']) {
    const value = params[key]
    if (typeof value !== 'number' || !(value >= 0)) continue
    importing.ledger.changed(
      [...path, key],
      'weight of the account, or share of the version',
      key === 'weight'
        ? 'Relative weights, as there; accounts that rest are left out.'
        : 'It says how much goes here, relative to the others; as a limit it stands only where the report says so.',
    )
    return value
  }
  return 1
}

export function paramsOf(entry: unknown): Record<string, unknown> | undefined {
  return isObject(entry) && isObject(entry.litellm_params) ? entry.litellm_params : undefined
}
