import { readFile } from 'node:fs/promises'
import type { Change, ChangeProposal, Digest } from '../contracts/index.ts'
import { digestOfBytes } from '../kernel/index.ts'
import { type Client, parseChangeFile } from '../sdk/index.ts'

/** Reads a change file, stores the files that it names, and fills their digests in. */
export async function readProposal(client: Client, path: string): Promise<ChangeProposal> {
  const { proposal, files } = parseChangeFile(await readFile(path, 'utf8'), path)
  const to = { ...proposal.to }
  for (const part of ['artifact', 'preprocess'] as const) {
    const file = files[part]
    if (file !== undefined) to[part] = await uploadFile(client, file)
  }
  return { ...proposal, to } as ChangeProposal
}

/** Stores a file by its digest. */
export async function uploadFile(
  client: Client,
  file: { path: string; name: string },
): Promise<{ digest: Digest; name: string }> {
  const bytes = await readFile(file.path)
  const digest = digestOfBytes(bytes)
  await client.call('putArtifact', { params: { digest }, body: bytes })
  return { digest, name: file.name }
}

export async function proposeAndStart(client: Client, path: string): Promise<Change> {
  const change = await client.call('createChange', { body: await readProposal(client, path) })
  return await client.call('startChange', { params: { change: change.id } })
}
