import type { z } from 'zod'
import type { ArtifactRef } from '../contracts/index.ts'
import type { llamaFileForm } from './file-values.ts'
import type { FileToUpload } from './upload.ts'

interface WithPaths {
  readonly artifact?: string | undefined
  readonly preprocess?: string | undefined
  readonly llama?: z.output<typeof llamaFileForm> | undefined
}

/** The files that a version written by a person names. `root` is the pointer to it: `/champion`. */
export function filesOf({ artifact, llama, preprocess }: WithPaths, root: string): FileToUpload[] {
  const files: FileToUpload[] = []
  const add = (path: string | undefined, place: string) => {
    if (path !== undefined) files.push({ path, pointer: `${root}/${place}` })
  }
  add(artifact, 'artifact')
  add(preprocess, 'preprocess')
  if (llama?.speculation?.kind === 'draft') add(llama.speculation.artifact, 'llama/speculation/artifact')
  for (const [index, lora] of (llama?.loras ?? []).entries())
    add(lora.artifact, `llama/loras/${index}/artifact`)
  return files
}

/** The same version with what `referenceAt` gives in the place of each path. */
export function withReferences<Version extends WithPaths>(
  version: Version,
  root: string,
  referenceAt: (pointer: string) => ArtifactRef | undefined,
) {
  const { artifact, llama, preprocess, ...rest } = version
  const at = (path: string | undefined, place: string) =>
    path === undefined ? undefined : referenceAt(`${root}/${place}`)
  return {
    ...rest,
    artifact: at(artifact, 'artifact'),
    preprocess: at(preprocess, 'preprocess'),
    llama: llama && {
      ...llama,
      speculation:
        llama.speculation?.kind === 'draft'
          ? { ...llama.speculation, artifact: at(llama.speculation.artifact, 'llama/speculation/artifact') }
          : llama.speculation,
      loras: llama.loras.map((lora, index) => ({
        ...lora,
        artifact: at(lora.artifact, `llama/loras/${index}/artifact`),
      })),
    },
  }
}
