import type { ProviderApi, ProviderKind } from '../../contracts/index.ts'
import type { DialectName } from '../../dialects/index.ts'
import type { RateHeaders } from './rate-headers.ts'

/**
 * How requests prove who sends them.
 * - `bearer`: `authorization: Bearer <key>`; no key: no header (servers of one's own).
 * - `x-api-key`, `api-key`, `x-goog-api-key`: the key in that header.
 * - `sigv4`: AWS Signature Version 4 with key and secret, or a Bedrock API key as a bearer where there is no secret.
 * - `google`: an access token of a service account or of ambient credentials.
 */
export type AuthStyle = 'bearer' | 'x-api-key' | 'api-key' | 'x-goog-api-key' | 'sigv4' | 'google'

export type Operation =
  | 'chat'
  | 'chatStream'
  | 'completions'
  | 'responses'
  | 'messages'
  | 'embeddings'
  | 'rerank'
  | 'moderations'
  | 'countTokens'

/** What one API of a kind, or the models of one maker, have otherwise than the rest of the kind. */
export type RowChange = Partial<Pick<KindRow, 'baseUrl' | 'dialect' | 'families' | 'paths' | 'relays'>>

/**
 * One kind of provider. Places in curly braces are filled per request: `{model}` (percent-encoded), `{region}` of the
 * account, `{project}` and `{apiVersion}` of the provider.
 */
export interface KindRow {
  /** Undefined: there is none to start from, the provider must name it. */
  readonly baseUrl?: string
  readonly auth: AuthStyle
  /** A key must be there: nobody is served without. */
  readonly needsKey: boolean
  /** What generation is translated to. */
  readonly dialect: DialectName
  /** Below the base URL. An operation that is not here is not offered. */
  readonly paths: Readonly<Partial<Record<Operation, string>>>
  /** Client dialects whose bytes are taken as they are, by the path that takes them. */
  readonly relays: Readonly<Partial<Record<DialectName, Operation>>>
  readonly rates: RateHeaders
  /** The first that is there is told. */
  readonly requestIds: readonly string[]
  /** Type of a stream; left out: `text/event-stream`. */
  readonly streamType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly apiVersion?: string
  readonly region?: string
  /** Must be named by each account (or the kind has a usual one). */
  readonly needsRegion?: boolean
  readonly needsProject?: boolean
  /** What AWS signatures are made for. */
  readonly service?: string
  /** By the name that the provider's settings have for it; without one the row is as it is. */
  readonly apis?: Readonly<Partial<Record<ProviderApi, RowChange>>>
  /** The first whose pattern finds something in the model's name. */
  readonly families?: readonly (RowChange & { readonly models: RegExp })[]
}

/** The row that one provider starts from, which its settings may have changed. */
export interface ProviderRow extends KindRow {
  /** What its chat completions do otherwise than OpenAI's is known by it. */
  readonly kind: ProviderKind
}

/** The row as it is for one model. */
export function rowFor(row: ProviderRow, modelName: string): ProviderRow {
  const family = row.families?.find(({ models }) => models.test(modelName))
  return family === undefined ? row : { ...row, ...family }
}
