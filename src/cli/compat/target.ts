import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type ModelFacts, noFacts, readArtifact } from '../../artifacts/index.ts'
import type { VersionSpec } from '../../contracts/index.ts'
import { parseChangeFile } from '../../sdk/index.ts'
import { needsOfSettings, type SettingsNeeds } from '../../sizing/index.ts'

export interface CompatTarget {
  readonly name: string
  readonly facts: ModelFacts
  /** What the settings of a change file ask for. */
  readonly needs: SettingsNeeds
  readonly engineVersion: string | null
}

/** A model file, a folder of one, or a change file, whose candidate is looked at with its settings. */
export async function compatTarget(path: string): Promise<CompatTarget> {
  if (!/\.ya?ml$/i.test(path))
    return {
      name: path,
      facts: readArtifact(path),
      needs: needsOfSettings({ engine: 'echo' }),
      engineVersion: null,
    }
  const change = parseChangeFile(await readFile(path, 'utf8'), path)
  const file = change.files.find(({ pointer }) => pointer === '/to/artifact')
  const references = new Map(
    change.files.map(({ pointer, path: name }) => [pointer, { digest: `sha256:${'0'.repeat(64)}`, name }]),
  )
  const { to } = change.proposal(
    references as never,
    new Map(change.texts.map(({ pointer }) => [pointer, ''])),
  )
  const weights = to.vllm?.weights
  const model = file === undefined ? weights : resolve(dirname(path), file.path)
  const spec: Pick<VersionSpec, 'engine' | 'llama' | 'vllm'> = {
    engine: to.engine ?? 'echo',
    ...(to.llama === undefined ? {} : { llama: to.llama }),
    ...(to.vllm === undefined ? {} : { vllm: to.vllm }),
  }
  return {
    name: model ?? path,
    // Weights that a server of its own fetches by name are not here to be read.
    facts: model !== undefined && existsSync(model) ? readArtifact(model) : noFacts('config'),
    needs: needsOfSettings(spec),
    engineVersion: to.vllm?.serverVersion ?? null,
  }
}
