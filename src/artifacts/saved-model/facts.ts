import type { ByteSource } from '../byte-source.ts'
import { type ModelFacts, noFacts, type TensorFacts } from '../model-facts.ts'
import { Unreadable } from '../unreadable.ts'
import { type Span, type WireField, wireFields, wireText } from '../wire.ts'

/** tensorflow/core/framework/types.proto. */
const TYPES: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  4: 'uint8',
  5: 'int16',
  6: 'int8',
  7: 'string',
  9: 'int64',
  10: 'bool',
  14: 'bfloat16',
  17: 'uint16',
  19: 'float16',
  22: 'uint32',
  23: 'uint64',
}

/** Operators that reach beyond the graph: the server's files, its network, Python. */
const REACHING = new Set([
  'PyFunc',
  'PyFuncStateless',
  'EagerPyFunc',
  'ReadFile',
  'WriteFile',
  'MatchingFiles',
  'PrintV2',
  'ImmutableConst',
  'LoadLibrary',
])
const MOST_PARTS = 2_000_000
const MOST_DIMENSIONS = 64

interface Found {
  parts: number
  readonly source: ByteSource
  readonly signatures: Map<string, { inputs: TensorFacts[]; outputs: TensorFacts[] }>
  readonly operators: Set<string>
  version: string
}

/** The `saved_model.pb` of a SavedModel (tensorflow/core/protobuf/saved_model.proto); `weightBytes` of its variables folder. */
export function savedModelFacts(source: ByteSource, weightBytes: number | null = null): ModelFacts {
  const found: Found = { parts: 0, source, signatures: new Map(), operators: new Set(), version: '' }
  let hasGraph = false
  for (const field of wireFields(source, { start: 0, end: source.sizeBytes })) {
    if (field.field !== 2 || field.type !== 'bytes') continue
    hasGraph = true
    metaGraph(field, found)
  }
  if (!hasGraph) throw new Unreadable(source.sizeBytes, 'a meta graph', 'none, so this is no SavedModel')
  const serving = found.signatures.get('serving_default') ?? [...found.signatures.values()][0]
  const reaching = [...found.operators].filter((operator) => REACHING.has(operator)).sort()
  return {
    ...noFacts('saved-model'),
    name: found.version === '' ? null : `tensorflow ${found.version}`,
    weightBytes,
    signature: serving ?? null,
    notes: [
      ...(serving === undefined ? ['it has no signature, so no server knows what to ask it'] : []),
      ...(reaching.length === 0 ? [] : [`its graph reaches beyond itself: ${reaching.join(', ')}`]),
    ],
  }
}

/** MetaGraphDef: 1 info, 2 graph, 5 signatures. */
function metaGraph(message: Span, found: Found): void {
  for (const field of fieldsOf(message, found)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) {
      for (const info of fieldsOf(field, found))
        if (info.field === 5 && info.type === 'bytes') found.version = wireText(found.source, info)
    } else if (field.field === 2) graph(field, found)
    else if (field.field === 5) signature(field, found)
  }
}

/** GraphDef: 1 nodes, 2 library of functions; FunctionDef: 3 nodes. NodeDef: 2 operator. */
function graph(message: Span, found: Found): void {
  for (const field of fieldsOf(message, found)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) node(field, found)
    if (field.field !== 2) continue
    for (const entry of fieldsOf(field, found)) {
      if (entry.field !== 1 || entry.type !== 'bytes') continue
      for (const part of fieldsOf(entry, found))
        if (part.field === 3 && part.type === 'bytes') node(part, found)
    }
  }
}

function node(message: Span, found: Found): void {
  for (const field of fieldsOf(message, found))
    if (field.field === 2 && field.type === 'bytes') found.operators.add(wireText(found.source, field))
}

/** A map entry: 1 name, 2 SignatureDef with 1 inputs and 2 outputs, which are maps of TensorInfo. */
function signature(message: Span, found: Found): void {
  let name = ''
  const inputs: TensorFacts[] = []
  const outputs: TensorFacts[] = []
  for (const field of fieldsOf(message, found)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) name = wireText(found.source, field)
    if (field.field !== 2) continue
    for (const side of fieldsOf(field, found)) {
      if (side.type !== 'bytes') continue
      if (side.field === 1) inputs.push(tensor(side, found))
      if (side.field === 2) outputs.push(tensor(side, found))
    }
  }
  // Made by Keras and tf.Module for their own bookkeeping.
  if (name !== '__saved_model_init_op') found.signatures.set(name, { inputs, outputs })
}

/** A map entry of TensorInfo: 2 dtype, 3 shape (2 dimensions with 1 their size, 3 unknown rank). */
function tensor(message: Span, found: Found): TensorFacts {
  let name = ''
  let dtype = 'unknown'
  let shape: (number | null)[] | null = null
  for (const field of fieldsOf(message, found)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) name = wireText(found.source, field)
    if (field.field !== 2) continue
    for (const part of fieldsOf(field, found)) {
      if (part.field === 2 && part.type === 'varint') dtype = TYPES[part.value] ?? `type ${part.value}`
      if (part.field === 3 && part.type === 'bytes') shape = shapeOf(part, found)
    }
  }
  return { name, dtype, shape }
}

function shapeOf(message: Span, found: Found): (number | null)[] | null {
  const shape: (number | null)[] = []
  for (const field of fieldsOf(message, found)) {
    if (field.field === 3 && field.type === 'varint' && field.value !== 0) return null
    if (field.field !== 2 || field.type !== 'bytes') continue
    if (shape.length === MOST_DIMENSIONS)
      throw new Unreadable(field.start, `at most ${MOST_DIMENSIONS} dimensions`, 'more')
    let size: number | null = null
    // −1 is a free dimension; as a varint it is far above every size.
    for (const part of fieldsOf(field, found))
      if (part.field === 1 && part.type === 'varint' && Number.isSafeInteger(part.value)) size = part.value
    shape.push(size)
  }
  return shape
}

function* fieldsOf(message: Span, found: Found): Generator<WireField> {
  for (const field of wireFields(found.source, message)) {
    if (++found.parts > MOST_PARTS) throw new Unreadable(message.start, `at most ${MOST_PARTS} parts`, 'more')
    yield field
  }
}
