import { createSign } from 'node:crypto'

/** Asks for a token; injected, so that this file knows neither sockets nor address rules. */
export type AskForToken = (request: {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}) => Promise<{ readonly status: number; readonly body: string }>

export type GoogleSource =
  | {
      readonly kind: 'service-account'
      readonly clientEmail: string
      readonly privateKey: string
      readonly privateKeyId: string | undefined
      readonly tokenUrl: string
    }
  /** `gcloud auth application-default login`. */
  | {
      readonly kind: 'user'
      readonly clientId: string
      readonly clientSecret: string
      readonly refreshToken: string
      readonly tokenUrl: string
    }
  /** The metadata server of a machine in Google's cloud. */
  | { readonly kind: 'metadata'; readonly url: string }

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token'
const JWT_LIFE_S = 3600
/** A token is replaced so long before it runs out, so that none runs out on its way. */
const SPARE_MS = 240_000
/** A token server that failed is not asked again for so long. */
const REST_MS = 5000

/** Reads the JSON of a service account or of user credentials; throws an Error with words and no secret. */
export function googleSourceOf(json: string): GoogleSource {
  let read: Record<string, unknown>
  try {
    read = JSON.parse(json) as Record<string, unknown>
  } catch {
    throw new Error('the Google credentials are not JSON')
  }
  const text = (name: string): string => {
    const value = read[name]
    if (typeof value !== 'string' || value === '') throw new Error(`the Google credentials have no ${name}`)
    return value
  }
  const tokenUrl = typeof read.token_uri === 'string' ? read.token_uri : TOKEN_URL
  if (read.type === 'service_account')
    return {
      kind: 'service-account',
      clientEmail: text('client_email'),
      privateKey: text('private_key'),
      privateKeyId: typeof read.private_key_id === 'string' ? read.private_key_id : undefined,
      tokenUrl,
    }
  if (read.type === 'authorized_user')
    return {
      kind: 'user',
      clientId: text('client_id'),
      clientSecret: text('client_secret'),
      refreshToken: text('refresh_token'),
      tokenUrl,
    }
  throw new Error(`Google credentials of the type ${String(read.type)} are not known here`)
}

/**
 * Where ambient credentials are (Google, "How Application Default Credentials works"): the file that the environment
 * names, the file of `gcloud`, else the metadata server.
 */
export function ambientSource(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): GoogleSource {
  const named = env.GOOGLE_APPLICATION_CREDENTIALS
  if (named !== undefined && named !== '') return googleSourceOf(readFile(named))
  const home = env.CLOUDSDK_CONFIG ?? (env.HOME === undefined ? undefined : `${env.HOME}/.config/gcloud`)
  if (home !== undefined) {
    let json: string | undefined
    try {
      json = readFile(`${home}/application_default_credentials.json`)
    } catch {
      json = undefined
    }
    if (json !== undefined) return googleSourceOf(json)
  }
  const host = env.GCE_METADATA_HOST ?? 'metadata.google.internal'
  return { kind: 'metadata', url: `http://${host}${METADATA_PATH}` }
}

/**
 * Access tokens for Google's APIs: RFC 7523 for a service account, RFC 6749 (6) for a user. One is fetched at a time,
 * whoever waits shares it, and a new one is fetched in the background while the old one still holds.
 */
export class GoogleTokens {
  readonly #source: GoogleSource
  readonly #ask: AskForToken
  readonly #nowMs: () => number
  #token: string | undefined
  #expiresMs = 0
  #flight: Promise<string> | undefined
  #restsUntilMs = 0
  #lastFault = ''

  constructor(source: GoogleSource, ask: AskForToken, nowMs: () => number) {
    this.#source = source
    this.#ask = ask
    this.#nowMs = nowMs
  }

  /** A promise only where there is none that holds. Rejects with an Error in words. */
  token(): string | Promise<string> {
    const nowMs = this.#nowMs()
    if (this.#token !== undefined && nowMs < this.#expiresMs) {
      if (nowMs >= this.#expiresMs - SPARE_MS && nowMs >= this.#restsUntilMs)
        this.#fetch().catch(() => undefined)
      return this.#token
    }
    if (this.#flight === undefined && nowMs < this.#restsUntilMs)
      return Promise.reject(new Error(this.#lastFault))
    return this.#fetch()
  }

  /** The provider did not take it: fetch another one. */
  drop(): void {
    this.#token = undefined
  }

  #fetch(): Promise<string> {
    this.#flight ??= this.#fetchOne().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #fetchOne(): Promise<string> {
    try {
      const { body, status } = await this.#ask(requestOf(this.#source, this.#nowMs()))
      if (status !== 200) throw new Error(`the token server answered ${status}`)
      const { access_token: token, expires_in: lifeS } = tokenAnswer(body)
      this.#token = token
      this.#expiresMs = this.#nowMs() + lifeS * 1000
      return token
    } catch (error) {
      this.#restsUntilMs = this.#nowMs() + REST_MS
      this.#lastFault = `no Google token: ${(error as Error).message}`
      throw new Error(this.#lastFault)
    }
  }
}

function requestOf(source: GoogleSource, nowMs: number): Parameters<AskForToken>[0] {
  if (source.kind === 'metadata')
    return {
      url: `${source.url}?scopes=${encodeURIComponent(SCOPE)}`,
      method: 'GET',
      headers: { 'metadata-flavor': 'Google' },
      body: '',
    }
  const form =
    source.kind === 'user'
      ? {
          grant_type: 'refresh_token',
          client_id: source.clientId,
          client_secret: source.clientSecret,
          refresh_token: source.refreshToken,
        }
      : { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(source, nowMs) }
  return {
    url: source.tokenUrl,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  }
}

function assertionOf(source: Extract<GoogleSource, { kind: 'service-account' }>, nowMs: number): string {
  const issuedS = Math.floor(nowMs / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = part({
    alg: 'RS256',
    typ: 'JWT',
    ...(source.privateKeyId === undefined ? {} : { kid: source.privateKeyId }),
  })
  const claims = part({
    iss: source.clientEmail,
    scope: SCOPE,
    aud: source.tokenUrl,
    iat: issuedS,
    exp: issuedS + JWT_LIFE_S,
  })
  const signed = createSign('RSA-SHA256').update(`${head}.${claims}`).sign(source.privateKey, 'base64url')
  return `${head}.${claims}.${signed}`
}

function tokenAnswer(body: string): { access_token: string; expires_in: number } {
  try {
    const { access_token, expires_in } = JSON.parse(body) as Record<string, unknown>
    if (typeof access_token === 'string' && typeof expires_in === 'number' && expires_in > 0)
      return { access_token, expires_in }
  } catch {
    // Told below, without the body: it may hold a token.
  }
  throw new Error('the token server answered no token')
}
