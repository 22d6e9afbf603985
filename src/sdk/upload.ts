import type { Digest } from '../contracts/index.ts'
import type { Client } from './client.ts'

/** Reads a file that a change or model file names. Injected: Node reads the disk, a browser a picked file. */
export type ReadFile = (path: string) => Promise<Uint8Array<ArrayBuffer>>

export interface FileToUpload {
  /** As written in the file, relative to it. */
  readonly path: string
  /** RFC 6901 pointer to where the `{ digest, name }` goes. */
  readonly pointer: string
}

/** Stores each file under its digest and says which digest each pointer gets. The same content is sent once. */
export async function uploadFiles(
  client: Client,
  files: readonly FileToUpload[],
  readFile: ReadFile,
): Promise<Map<string, { digest: Digest; name: string }>> {
  const references = new Map<string, { digest: Digest; name: string }>()
  const sent = new Set<Digest>()
  for (const { path, pointer } of files) {
    const content = await readFile(path)
    const digest = await digestOfFile(content)
    if (!sent.has(digest)) await client.call('putArtifact', { params: { digest }, body: content })
    sent.add(digest)
    references.set(pointer, { digest, name: path.split(/[\\/]/).at(-1) ?? path })
  }
  return references
}

/** Reads texts that belong into the proposal itself, such as prompts; by pointer. */
export async function readTexts(
  files: readonly FileToUpload[],
  readFile: ReadFile,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const { path, pointer } of files)
    texts.set(pointer, new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)))
  return texts
}

/** `sha256:` and the hex of the content; by WebCrypto, so that it is the same in Node and in browsers. */
export async function digestOfFile(content: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
  return `sha256:${[...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
