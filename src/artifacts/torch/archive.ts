import { type ByteSource, sourceOf } from '../byte-source.ts'
import { isObject, jsonObject, member, numberAt, textAt } from '../json.ts'
import { type ModelFacts, noFacts, type TensorFacts } from '../model-facts.ts'
import { listPickle, type PickleListing } from '../pickle/list.ts'
import { Unreadable } from '../unreadable.ts'
import { type ZipRecord, zipContents, zipRecords } from './zip.ts'

/** A zip that torch wrote: a program with code that torch itself interprets, an exported graph, or a bare pickle. */
export type TorchArchive =
  | { readonly kind: 'model'; readonly facts: ModelFacts }
  /** `torch.save`: loading it unpickles. */
  | { readonly kind: 'pickle'; readonly listing: PickleListing }

const MOST_MODEL_BYTES = 64 * 2 ** 20
const MOST_SMALL_BYTES = 4096
const MOST_TENSORS = 10_000

/** torch names all records below one folder of its own choice. */
export function torchArchive(source: ByteSource): TorchArchive {
  const records = zipRecords(source)
  const find = (tail: string) => records.find(({ name }) => name === tail || name.endsWith(`/${tail}`))
  const graph = find('models/model.json') ?? find('serialized_exported_program.json')
  if (graph !== undefined) return { kind: 'model', facts: exportedFacts(source, records, graph) }
  const data = find('data.pkl')
  if (data === undefined)
    throw new Unreadable(
      source.sizeBytes,
      'data.pkl or models/model.json among the records',
      someNames(records),
    )
  const listing = listPickle(sourceOf(zipContents(source, data, MOST_MODEL_BYTES), data.name))
  if (!records.some(({ name }) => /\/code\/.+\.py$/.test(name))) return { kind: 'pickle', listing }
  return { kind: 'model', facts: scriptFacts(source, records, listing) }
}

/** TorchScript: its `data.pkl` is read by torch's own unpickler, which imports nothing but `__torch__` and tensors. */
function scriptFacts(source: ByteSource, records: readonly ZipRecord[], listing: PickleListing): ModelFacts {
  const weights = records.filter(({ name }) => /\/(data|constants)\/\d+$/.test(name))
  const version = records.find(({ name }) => /^[^/]+\/version$/.test(name))
  const stated =
    version === undefined ? '?' : zipContents(source, version, MOST_SMALL_BYTES).toString('utf8').trim()
  const own = listing.imports.filter((name) => name.startsWith('__torch__.'))
  const foreign = listing.imports.filter(
    (name) => !/^(__torch__\.|torch\.|torch_|collections\.OrderedDict$)/.test(name),
  )
  return {
    ...noFacts('torchscript'),
    architecture:
      own.toSorted((left, right) => left.length - right.length)[0]?.replace('__torch__.', '') ?? null,
    name: `TorchScript archive version ${stated.slice(0, 20)}`,
    weightBytes: weights.reduce((sum, { bytes }) => sum + bytes, 0),
    notes: [
      'TorchScript is code of its own, which torch interprets: serve it only if you trust who made it',
      ...(foreign.length === 0
        ? []
        : [`its data.pkl names ${foreign.slice(0, 6).join(', ')}, which torch.jit does not write`]),
    ],
  }
}

/** `torch.export.save`: JSON by torch/_export/serde/schema.py; `models/model.json` since torch 2.8. */
function exportedFacts(source: ByteSource, records: readonly ZipRecord[], graph: ZipRecord): ModelFacts {
  const bytes = zipContents(source, graph, MOST_MODEL_BYTES)
  const model = jsonObject(sourceOf(bytes, graph.name), 0, bytes.length, MOST_MODEL_BYTES)
  const version = member(model, 'schema_version')
  if (!isObject(version)) throw new Unreadable(graph.offset, 'a "schema_version"', 'none')
  const signature = member(member(model, 'graph_module'), 'signature')
  const values = member(member(member(model, 'graph_module'), 'graph'), 'tensor_values')
  const tensors = (specs: unknown, kind: string): TensorFacts[] =>
    (Array.isArray(specs) ? specs.slice(0, MOST_TENSORS) : []).flatMap((spec) => {
      const argument = member(member(spec, kind), 'arg')
      const name = textAt(member(argument, 'as_tensor'), 'name')
      return name === null ? [] : [tensorOf(name, member(values, name))]
    })
  const specs = member(signature, 'input_specs')
  const stored = (Array.isArray(specs) ? specs : [])
    .map((spec) => textAt(member(member(spec, 'parameter'), 'arg'), 'name'))
    .filter((name) => name !== null)
  const weights = records.filter(
    ({ name }) =>
      /\/(weights|constants)\/.*\d$/.test(name) || /serialized_(state_dict|constants)\.\w+$/.test(name),
  )
  return {
    ...noFacts('exported-program'),
    name: `torch.export schema ${numberAt(version, 'major') ?? '?'}.${numberAt(version, 'minor') ?? '?'}, torch ${textAt(model, 'torch_version') ?? 'unknown'}`,
    parameters: stored.reduce((sum, name) => sum + elementsOf(member(values, name)), 0),
    weightBytes: weights.reduce((sum, record) => sum + record.bytes, 0),
    signature: {
      inputs: tensors(member(signature, 'input_specs'), 'user_input'),
      outputs: tensors(member(signature, 'output_specs'), 'user_output'),
    },
  }
}

/** ScalarType of the schema. */
const TYPES = [
  'unknown',
  'uint8',
  'int8',
  'int16',
  'int32',
  'int64',
  'float16',
  'float32',
  'float64',
  'complex32',
  'complex64',
  'complex128',
  'bool',
  'bfloat16',
]

function tensorOf(name: string, value: unknown): TensorFacts {
  const type = numberAt(value, 'dtype')
  return { name, dtype: TYPES[type ?? 0] ?? `type ${type}`, shape: sizesOf(value) }
}

function sizesOf(value: unknown): (number | null)[] | null {
  const sizes = member(value, 'sizes')
  return Array.isArray(sizes) ? sizes.slice(0, 64).map((size) => numberAt(size, 'as_int')) : null
}

function elementsOf(value: unknown): number {
  const product = (sizesOf(value) ?? [0]).reduce((all: number, size) => all * (size ?? 0), 1)
  return Number.isSafeInteger(product) ? product : 0
}

function someNames(records: readonly ZipRecord[]): string {
  return records.length === 0
    ? 'no records'
    : records
        .slice(0, 5)
        .map(({ name }) => name)
        .join(', ')
}
