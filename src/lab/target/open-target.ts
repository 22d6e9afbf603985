import { anthropicProvider, chatProvider, chatQuirks, slipwayProvider } from '../../dialects/index.ts'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
import { httpTarget } from './http-target.ts'
import { plainWire } from './plain-wire.ts'
import type { Target } from './target.ts'
import { textWire } from './text-wire.ts'
import type { Wire } from './wire.ts'

export const targetKinds = [
  'openai',
  'openai-whole',
  'anthropic',
  'slipway',
  'generate',
  'oip',
  'http',
] as const
export type TargetKind = (typeof targetKinds)[number]

export interface TargetOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly connections: number
  /** Secret; goes into a header and nowhere else. */
  readonly key: string | undefined
  /** Further headers, which may be secret too. */
  readonly headers: Readonly<Record<string, string>>
  /** Of plain targets (`slipway`, `oip`, `http`). */
  readonly body: string | null
  /** Send `ignore_eos` and `min_tokens`, which vLLM, SGLang and others have, for lengths that are exact. */
  readonly exact: boolean
}

/** `openai+http://127.0.0.1:8000/v1#llama`, in parts. */
export interface TargetAddress {
  readonly kind: TargetKind
  readonly url: URL
  readonly model: string
  readonly version: string | undefined
}

/**
 * Reads `kind+url#model[@version]`. Throws `target_invalid`; an address with a password is refused, since the address
 * is in the evidence.
 */
export function readTargetAddress(text: string): TargetAddress {
  const invalid = (reason: string) => new SlipwayError('target_invalid', { target: bounded(text), reason })
  const match = /^([a-z-]+)\+(https?:\/\/.+)$/.exec(text)
  if (match === null) throw invalid('it is not written as kind+url')
  const kind = targetKinds.find((known) => known === match[1])
  if (kind === undefined) throw invalid(`it is of no known kind (${targetKinds.join(', ')})`)
  if (!URL.canParse(match[2]!)) throw invalid('its URL cannot be read')
  const url = new URL(match[2]!)
  if (url.username !== '' || url.password !== '') throw invalid('keys do not belong into an address')
  const named = decodeURIComponent(url.hash.slice(1))
  const [, model = '', version] = /^(.*?)(?:@([\w.-]+))?$/.exec(named) ?? []
  const isVersioned = kind === 'slipway' || kind === 'generate' || kind === 'oip'
  if (kind !== 'http' && named === '') throw invalid('it names no model after #')
  return { kind, url, model: isVersioned ? model : named, version: isVersioned ? version : undefined }
}

export function openTarget(address: TargetAddress, options: TargetOptions): Target {
  const { kind, url, model, version } = address
  const label = model === '' ? '' : ` ${model}${version === undefined ? '' : `@${version}`}`
  return httpTarget({
    // The query may hold a key, so it is left out.
    name: `${kind} ${url.origin}${url.pathname}${label}`,
    origin: url.origin,
    wire: wireOf(address, options),
    clock: options.clock,
    timeoutMs: options.timeoutMs,
    connections: options.connections,
  })
}

function wireOf(address: TargetAddress, options: TargetOptions): Wire {
  const { url, model, version } = address
  const base = url.pathname.replace(/\/$/, '')
  const bearer = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }
  const headers = { ...bearer, ...options.headers }
  const extras = options.exact
    ? { extras: (tokens: number) => ({ ignore_eos: true, min_tokens: tokens }) }
    : {}
  const named = encodeURIComponent(model)
  switch (address.kind) {
    case 'openai':
    case 'openai-whole': {
      const dialect = chatProvider(url.hostname === 'api.openai.com' ? chatQuirks.openai : chatQuirks.vllm)
      const stream = address.kind === 'openai'
      return textWire({ dialect, path: `${base}/chat/completions`, model, stream, headers, ...extras })
    }
    case 'anthropic': {
      const own = options.key === undefined ? {} : { 'x-api-key': options.key }
      const all = { 'anthropic-version': '2023-06-01', ...own, ...options.headers }
      return textWire({
        dialect: anthropicProvider,
        path: `${base}/v1/messages`,
        model,
        stream: true,
        headers: all,
      })
    }
    case 'generate':
      return textWire({
        dialect: slipwayProvider,
        path: `${base}/api/v1/models/${named}/generate`,
        model,
        stream: true,
        headers,
        version,
      })
    case 'slipway': {
      const body = withVersion(options.body, version)
      return plainWire({
        path: `${base}/api/v1/models/${named}/predict`,
        method: 'POST',
        headers,
        body,
        answerHas: 'outputs',
      })
    }
    case 'oip': {
      const path = `${base}/v2/models/${named}${version === undefined ? '' : `/versions/${version}`}/infer`
      return plainWire({ path, method: 'POST', headers, body: options.body, answerHas: 'outputs' })
    }
    case 'http':
      return plainWire({
        path: `${url.pathname}${url.search}`,
        method: options.body === null ? 'GET' : 'POST',
        headers,
        body: options.body,
      })
  }
}

/** The body of a predict request, pinned. Throws `target_invalid` when it is missing or no JSON object. */
function withVersion(body: string | null, version: string | undefined): string {
  let read: unknown = null
  try {
    read = JSON.parse(body ?? 'null')
  } catch {}
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new SlipwayError('target_invalid', {
      target: 'slipway',
      reason: 'its --body is no JSON object with inputs',
    })
  return JSON.stringify(version === undefined ? read : { ...read, params: { version } })
}

function bounded(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//…@').slice(0, 200)
}
