import type { ProviderAccount } from '../../../contracts/index.ts'
import type { KindRow } from '../kind-row.ts'
import { type AskForToken, ambientSource, GoogleTokens, googleSourceOf } from './google-token.ts'
import { headerSafe, isFileReference, type Resolved, resolveSecret, type SecretSources } from './secret.ts'
import { type AwsKeys, KeyCache, signV4 } from './sigv4.ts'

export interface CredentialParts extends SecretSources {
  readonly nowMs: () => number
  readonly askForToken: AskForToken
  /** Secrets in files are read again at most so often. */
  readonly rereadMs: number
}

export interface ToSign {
  readonly host: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly region: string | undefined
}

/** Who one account is to its provider. Holds the values; nothing here is ever logged or shown. */
export interface Credential {
  /** Why it cannot be used, in words without values; undefined: it can. */
  readonly missing: string | undefined
  /** The request's headers with those that prove who sends it. A promise only where a token must be fetched first. */
  headersFor(request: ToSign): Record<string, string> | Promise<Record<string, string>>
  /** Reads again what files hold, or forgets a token, at most so often; true: the next try may go otherwise. */
  renew(): boolean
}

/**
 * Resolves what one account needs: its key, the configured headers that hold references, its Google or AWS secrets.
 * A missing secret is told by `missing` and never thrown: other accounts, and other providers, are none of its business.
 */
export function credentialOf(
  account: ProviderAccount,
  row: KindRow,
  headers: Readonly<Record<string, string>>,
  parts: CredentialParts,
): Credential {
  return new AccountCredential(account, row, headers, parts)
}

type Proof =
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'sigv4'; readonly keys: AwsKeys; readonly service: string }
  | { readonly kind: 'google'; readonly tokens: GoogleTokens }

class Missing extends Error {}

class AccountCredential implements Credential {
  missing: string | undefined
  readonly #account: ProviderAccount
  readonly #row: KindRow
  readonly #configured: Readonly<Record<string, string>>
  readonly #parts: CredentialParts
  readonly #keyCache = new KeyCache()
  #headers: Readonly<Record<string, string>> = {}
  #proof: Proof = { kind: 'headers', headers: {} }
  #seen = ''
  #rereadAtMs = Number.NEGATIVE_INFINITY

  constructor(
    account: ProviderAccount,
    row: KindRow,
    headers: Readonly<Record<string, string>>,
    parts: CredentialParts,
  ) {
    this.#account = account
    this.#row = row
    this.#configured = headers
    this.#parts = parts
    this.#read()
    this.#rereadAtMs = parts.nowMs() + parts.rereadMs
  }

  headersFor(request: ToSign): Record<string, string> | Promise<Record<string, string>> {
    const headers = { ...this.#headers, ...request.headers }
    const proof = this.#proof
    if (proof.kind === 'headers') return { ...headers, ...proof.headers }
    if (proof.kind === 'sigv4') {
      const { body, host, path, region = '' } = request
      const nowMs = this.#parts.nowMs()
      const signed = { method: 'POST', host, path, headers, body, region, service: proof.service, nowMs }
      return { ...headers, ...signV4(signed, proof.keys, this.#keyCache) }
    }
    const token = proof.tokens.token()
    if (typeof token === 'string') return { ...headers, authorization: `Bearer ${token}` }
    return token.then((fetched) => ({ ...headers, authorization: `Bearer ${fetched}` }))
  }

  renew(): boolean {
    const nowMs = this.#parts.nowMs()
    if (nowMs < this.#rereadAtMs) return false
    this.#rereadAtMs = nowMs + this.#parts.rereadMs
    const before = `${this.missing} ${this.#seen}`
    const proof = this.#proof
    if (this.missing !== undefined || this.#hasFiles()) this.#read()
    if (`${this.missing} ${this.#seen}` !== before) return this.missing === undefined
    if (proof.kind !== 'google') return false
    proof.tokens.drop()
    return true
  }

  #read(): void {
    try {
      this.#seen = ''
      const headers: Record<string, string> = {}
      for (const [name, ref] of Object.entries(this.#configured)) headers[name] = this.#value(ref, name)
      const proof = this.#proofNow()
      this.#headers = headers
      this.#proof = proof
      this.missing = undefined
    } catch (error) {
      this.missing = (error as Error).message
    }
  }

  #proofNow(): Proof {
    const { key, secret, sessionToken } = this.#account
    const { auth } = this.#row
    if (auth === 'google') return this.#google()
    if (key === undefined) {
      if (this.#row.needsKey) throw new Missing(`the account ${this.#account.name} has no key`)
      return { kind: 'headers', headers: {} }
    }
    const value = this.#value(key, 'key')
    if (auth === 'sigv4' && secret !== undefined)
      return {
        kind: 'sigv4',
        service: this.#row.service ?? '',
        keys: {
          accessKeyId: value,
          secretAccessKey: this.#value(secret, 'secret'),
          sessionToken: sessionToken === undefined ? undefined : this.#value(sessionToken, 'sessionToken'),
        },
      }
    const isBearer = auth === 'bearer' || auth === 'sigv4'
    return { kind: 'headers', headers: isBearer ? { authorization: `Bearer ${value}` } : { [auth]: value } }
  }

  /** What stands where the same credentials stood keeps its token. */
  #google(): Proof {
    const { askForToken, env, nowMs, readFile } = this.#parts
    const { key } = this.#account
    const json = key === undefined ? undefined : this.#found(resolveSecret(key, this.#parts))
    const source = json === undefined ? ambientSource(env, readFile) : googleSourceOf(json)
    this.#seen += JSON.stringify(source)
    return { kind: 'google', tokens: new GoogleTokens(source, askForToken, nowMs) }
  }

  #value(ref: string, what: string): string {
    const value = this.#found(
      headerSafe(resolveSecret(ref, this.#parts), ref),
      `${what} of the account ${this.#account.name}`,
    )
    this.#seen += `${value}\n`
    return value
  }

  #found(resolved: Resolved, what = 'key'): string {
    if (resolved.missing !== undefined) throw new Missing(`${what}: ${resolved.missing}`)
    return resolved.value
  }

  #hasFiles(): boolean {
    const { key, secret, sessionToken } = this.#account
    const refs = [key, secret, sessionToken, ...Object.values(this.#configured)]
    return refs.some((ref) => ref !== undefined && isFileReference(ref))
  }
}
