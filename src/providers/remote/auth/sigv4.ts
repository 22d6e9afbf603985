import { createHash, createHmac } from 'node:crypto'

export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
}

export interface SignedParts {
  readonly method: string
  readonly host: string
  /** As on the wire, query included. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly region: string
  readonly service: string
  readonly nowMs: number
}

/**
 * AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request") for every service but S3, whose paths are
 * encoded otherwise. Gives the headers to add: `authorization`, `x-amz-date`, and the session token where there is one.
 *
 * Of its own, since the kept libraries sign a `fetch` request or bring the whole of an SDK's core: 60 lines against the
 * published vectors. The derived key is good for a day and kept by the caller's `KeyCache`.
 */
export function signV4(parts: SignedParts, keys: AwsKeys, cache: KeyCache): Record<string, string> {
  const amzDate = new Date(parts.nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = amzDate.slice(0, 8)
  const added: Record<string, string> = { 'x-amz-date': amzDate }
  if (keys.sessionToken !== undefined) added['x-amz-security-token'] = keys.sessionToken
  const headers = Object.entries({ ...parts.headers, ...added, host: parts.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/\s+/g, ' ')] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  const signedHeaders = headers.map(([name]) => name).join(';')
  const [path, query] = cut(parts.path, '?')
  const canonical = [
    parts.method,
    canonicalPath(path),
    canonicalQuery(query),
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    signedHeaders,
    sha256(parts.body),
  ].join('\n')
  const scope = `${date}/${parts.region}/${parts.service}/aws4_request`
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', cache.keyOf(keys, date, parts))
    .update(toSign)
    .digest('hex')
  added.authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`
  return added
}

/** The key of one day, region and service; the last one only. */
export class KeyCache {
  #name = ''
  #key: Buffer = Buffer.alloc(0)

  keyOf(keys: AwsKeys, date: string, { region, service }: SignedParts): Buffer {
    const name = `${keys.secretAccessKey} ${date} ${region} ${service}`
    if (name !== this.#name) {
      this.#name = name
      this.#key = [date, region, service, 'aws4_request'].reduce<Buffer>(
        (key, part) => createHmac('sha256', key).update(part).digest(),
        Buffer.from(`AWS4${keys.secretAccessKey}`),
      )
    }
    return this.#key
  }
}

/** Each segment is encoded once more than it stands on the wire. */
function canonicalPath(path: string): string {
  return path === '' ? '/' : path.split('/').map(encoded).join('/')
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .map((pair) => {
      const [name, value] = cut(pair, '=')
      return [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value))] as const
    })
    .sort(([leftName, left], [rightName, right]) =>
      leftName === rightName ? compare(left, right) : compare(leftName, rightName),
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** RFC 3986: everything but letters, digits, `-._~`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
