import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Change, ChangeProposal } from '../contracts/index.ts'
import { type Client, parseChangeFile, type ReadFile, readTexts, uploadFiles } from '../sdk/index.ts'

/** Reads a change file, stores the files that it names, and fills their digests in. */
export async function readProposal(client: Client, path: string): Promise<ChangeProposal> {
  const file = parseChangeFile(await readFile(path, 'utf8'), path)
  const read = beside(path)
  return file.proposal(await uploadFiles(client, file.files, read), await readTexts(file.texts, read))
}

export async function proposeAndStart(client: Client, path: string): Promise<Change> {
  const change = await client.call('createChange', { body: await readProposal(client, path) })
  return await client.call('startChange', { params: { change: change.id } })
}

/** Reads files by their path relative to the file that names them. */
export function beside(path: string): ReadFile {
  return async (named) => new Uint8Array(await readFile(resolve(dirname(path), named)))
}
