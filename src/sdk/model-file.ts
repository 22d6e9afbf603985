import { z } from 'zod'
import {
  type ArtifactRef,
  type DatasetItem,
  datasetItem,
  datasetName,
  modelContract,
  modelName,
  type NewModel,
  newModel,
  textContract,
  type VersionSpec,
  versionSpec,
} from '../contracts/index.ts'
import { isPromptPath, relativePath, versionFields } from './file-values.ts'
import type { FileToUpload } from './upload.ts'
import { filesOf, withReferences } from './version-files.ts'
import { readYamlFile, type YamlFile } from './yaml-file.ts'

const datasetForm = z.strictObject({
  file: relativePath,
  /** The field that holds the model's only input. */
  input: z.string().optional(),
  /** By name of the input, where the model has several. */
  inputs: z.record(z.string(), z.string()).optional(),
  label: z.string().default('label'),
  id: z.string().default('id'),
  at: z.string().optional(),
  /** Fields by which results are also shown in parts. */
  slices: z.array(z.string()).max(20).optional(),
})

/** The form of `model.yaml`. Paths are relative to the file. */
export const modelFileForm = z.strictObject({
  model: modelName,
  description: z.string().max(2000).optional(),
  owner: z.string().max(200).optional(),
  task: z.string().max(100).optional(),
  framework: z.string().max(100).optional(),
  /** Left out: a model of text, `{prompt}` → `{text}`. */
  contract: modelContract.default(textContract),
  classes: z.array(z.string().max(100)).max(10_000).optional(),
  captureFailures: z.boolean().optional(),
  champion: z.strictObject({ ...versionFields, replicas: z.number().int().min(1).max(64).default(1) }),
  datasets: z.record(datasetName, datasetForm).default({}),
  traffic: z
    .strictObject({ dataset: datasetName, requestsPerSecond: z.number().positive().max(100_000).optional() })
    .optional(),
})
type Form = z.output<typeof modelFileForm>

export interface ModelFile {
  readonly model: NewModel
  readonly champion: {
    readonly label: string
    readonly replicas: number
    /** The spec with the digests that the uploads got, by pointer (see `uploadFiles`). */
    spec(references: ReadonlyMap<string, ArtifactRef>, texts?: ReadonlyMap<string, string>): VersionSpec
  }
  readonly files: FileToUpload[]
  readonly texts: FileToUpload[]
  readonly datasets: readonly DatasetFile[]
  readonly traffic: { readonly dataset: string; readonly requestsPerSecond: number | undefined } | undefined
}

export interface DatasetFile {
  readonly name: string
  /** One JSON object a line; `.gz` where the name says so. */
  readonly path: string
  /** An evaluation item from the object on a line (from 1). Throws what is wrong with it, in words. */
  item(row: unknown, line: number): DatasetItem
}

/** Throws `FileError`, as `parseChangeFile` does. */
export function parseModelFile(text: string, file = 'model.yaml'): ModelFile {
  const read = readYamlFile(text, file, modelFileForm)
  refuseImpossible(read)
  const { champion, datasets, traffic, ...model } = read.value
  const { label, replicas, ...rest } = champion
  const texts = isPromptPath(rest.prompt) ? [{ path: rest.prompt, pointer: '/champion/prompt' }] : []
  return {
    model: newModel.parse(model),
    champion: {
      label,
      replicas,
      spec: (references, read = new Map()) =>
        versionSpec.parse({
          ...withReferences(rest, '/champion', (pointer) => references.get(pointer)),
          ...(texts.length === 0 ? {} : { prompt: read.get('/champion/prompt') }),
          engine: rest.engine ?? 'onnx',
          contract: model.contract,
        }),
    },
    files: filesOf(rest, '/champion'),
    texts,
    datasets: Object.entries(datasets).map(([name, dataset]) =>
      datasetFile(name, dataset, model.contract.inputs),
    ),
    traffic: traffic && { dataset: traffic.dataset, requestsPerSecond: traffic.requestsPerSecond },
  }
}

function datasetFile(
  name: string,
  dataset: z.output<typeof datasetForm>,
  inputs: Form['contract']['inputs'],
): DatasetFile {
  const only = inputs[0]?.name as string
  const fields = dataset.inputs ?? { [only]: dataset.input ?? only }
  return {
    name,
    path: dataset.file,
    item(row, line) {
      if (typeof row !== 'object' || row === null) throw new Error('it is not an object')
      const take = (field: string): unknown => {
        const value = (row as Record<string, unknown>)[field]
        if (value === undefined) throw new Error(`it has no field "${field}"`)
        return value
      }
      const id = (row as Record<string, unknown>)[dataset.id]
      const item = {
        id: id === undefined ? `line-${line}` : String(id),
        ...(dataset.at === undefined ? {} : { at: String(take(dataset.at)) }),
        inputs: Object.fromEntries(Object.entries(fields).map(([input, field]) => [input, take(field)])),
        label: take(dataset.label),
        ...(dataset.slices === undefined
          ? {}
          : { slice: Object.fromEntries(dataset.slices.map((field) => [field, String(take(field))])) }),
      }
      const parsed = datasetItem.safeParse(item)
      if (parsed.success) return parsed.data
      throw new Error(`${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`)
    },
  }
}

function refuseImpossible({ value, refuse }: YamlFile<Form>): void {
  const inputs = value.contract.inputs.map((input) => input.name)
  for (const [name, dataset] of Object.entries(value.datasets)) {
    if (dataset.inputs !== undefined && dataset.input !== undefined)
      refuse(['datasets', name], `${name} has both input and inputs.`, 'Keep one of them.')
    if (dataset.inputs === undefined && inputs.length > 1)
      refuse(
        ['datasets', name],
        `${name} must say which field feeds each of ${inputs.join(', ')}.`,
        'Write inputs: { name: field }.',
      )
    for (const input of Object.keys(dataset.inputs ?? {}))
      if (!inputs.includes(input))
        refuse(
          ['datasets', name, 'inputs', input],
          `the contract has no input "${input}".`,
          `Inputs: ${inputs.join(', ')}.`,
        )
  }
  const wanted = value.traffic?.dataset
  if (wanted !== undefined && value.datasets[wanted] === undefined)
    refuse(
      ['traffic', 'dataset'],
      `no dataset is called "${wanted}" in this file.`,
      `Datasets: ${Object.keys(value.datasets).join(', ') || 'none'}.`,
    )
  const engine = value.champion.engine ?? 'onnx'
  const file = { onnx: './model.onnx', llama: './model.gguf' }[engine as string]
  if (file !== undefined && value.champion.artifact === undefined)
    refuse(
      ['champion'],
      `${engine === 'onnx' ? 'an onnx' : 'a llama'} version needs its file.`,
      `Add artifact: ${file}.`,
    )
}
