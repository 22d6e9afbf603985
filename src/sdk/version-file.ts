import { z } from 'zod'
import { type ArtifactRef, type ModelContract, type VersionSpec, versionSpec } from '../contracts/index.ts'
import { isPromptPath, versionFields } from './file-values.ts'
import type { FileToUpload } from './upload.ts'
import { filesOf, withReferences } from './version-files.ts'
import { readYamlFile } from './yaml-file.ts'

/** The form of a file with one version: what stands under `champion` in a model file, without replicas. */
export const versionFileForm = z.strictObject(versionFields)

export interface VersionFile {
  readonly label: string
  readonly files: FileToUpload[]
  readonly texts: FileToUpload[]
  /** For a model with this contract; the digests and texts are those that the uploads got, by pointer. */
  spec(
    contract: ModelContract,
    references: ReadonlyMap<string, ArtifactRef>,
    texts: ReadonlyMap<string, string>,
  ): VersionSpec
}

/** Paths are relative to the file. Throws `FileError`, as `parseModelFile` does. */
export function parseVersionFile(text: string, file = 'version.yaml'): VersionFile {
  const { refuse, value } = readYamlFile(text, file, versionFileForm)
  const { label, ...rest } = value
  const engine = rest.engine ?? 'onnx'
  const wanted = { onnx: './model.onnx', llama: './model.gguf' }[engine as string]
  if (wanted !== undefined && rest.artifact === undefined)
    refuse(
      ['label'],
      `${engine === 'onnx' ? 'an onnx' : 'a llama'} version needs its file.`,
      `Add artifact: ${wanted}.`,
    )
  const texts = isPromptPath(rest.prompt) ? [{ path: rest.prompt, pointer: '/prompt' }] : []
  return {
    label,
    files: filesOf(rest, ''),
    texts,
    spec: (contract, references, read) =>
      versionSpec.parse({
        ...withReferences(rest, '', (pointer) => references.get(pointer)),
        ...(texts.length === 0 ? {} : { prompt: read.get('/prompt') }),
        engine,
        contract,
      }),
  }
}
