import { packedVarints, WireError, type WireField, wireFields } from './wire-reader.ts'

/** A graph input or output. `dtype` is ONNX's own number and name; `shape` counts the batch; null: free. */
export interface OnnxValue {
  readonly name: string
  /** `float32`, `int64`, …; `sequence`, `map` and the like where it is no tensor. */
  readonly dtype: string
  readonly shape: (number | null)[] | null
}

/** What an ONNX file says of itself. Weights are skipped, nothing is run. */
export interface OnnxHeader {
  readonly irVersion: number
  readonly producer: string
  /** Operator set version by domain; '' is ai.onnx. */
  readonly opsets: Record<string, number>
  readonly inputs: OnnxValue[]
  readonly outputs: OnnxValue[]
  /** Operators by domain-qualified name with how often they occur, subgraphs and functions included. */
  readonly operators: Record<string, number>
  /** Numbers stored in the initialisers. */
  readonly parameters: number
  /** Names of files that hold weights outside this one. */
  readonly externalData: string[]
}

const MAX_BYTES = 2 ** 31
/** Subgraphs inside subgraphs, messages inside messages; exporters stay below ten. */
const MAX_DEPTH = 32
/** Nodes, initialisers, values together: a bound on work and memory whatever the file claims. */
const MAX_PARTS = 1_000_000
const MAX_NAME_BYTES = 4096
const MAX_DIMENSIONS = 64

/** TensorProto.DataType of onnx.proto3. */
const DTYPES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
]

interface Reading {
  parts: number
  readonly operators: Map<string, number>
  readonly external: Set<string>
  parameters: number
}

/**
 * Reads the header by the field numbers of onnx.proto3 (ModelProto 1, 2, 3, 7, 8, 25). Throws `WireError` with a clause
 * for people on anything that is not a whole ONNX model.
 */
export function readOnnxHeader(file: Buffer): OnnxHeader {
  if (file.length === 0) throw new WireError('it is empty')
  if (file.length > MAX_BYTES) throw new WireError(`it is larger than ${MAX_BYTES} bytes`)
  const reading: Reading = { parts: 0, operators: new Map(), external: new Set(), parameters: 0 }
  let irVersion = 0
  let producer = ''
  let producerVersion = ''
  const opsets: Record<string, number> = {}
  let graph: ReturnType<typeof readGraph> | undefined
  for (const field of wireFields(file)) {
    countPart(reading)
    if (field.field === 1 && field.type === 'varint') irVersion = field.value
    else if (field.type !== 'bytes') continue
    else if (field.field === 2) producer = text(field.value)
    else if (field.field === 3) producerVersion = text(field.value)
    else if (field.field === 7) graph = readGraph(field.value, reading, 0)
    else if (field.field === 8) addOpset(opsets, field.value)
    else if (field.field === 25) readFunction(field.value, reading, 0)
  }
  if (irVersion === 0) throw new WireError('it names no IR version, so it is no ONNX model')
  if (graph === undefined) throw new WireError('it holds no graph')
  if (graph.outputs.length === 0) throw new WireError('its graph has no outputs')
  if (Object.keys(opsets).length === 0) throw new WireError('it imports no operator set')
  return {
    irVersion,
    producer: producerVersion === '' ? producer : `${producer} ${producerVersion}`,
    opsets,
    inputs: graph.inputs,
    outputs: graph.outputs,
    operators: Object.fromEntries([...reading.operators].sort(([left], [right]) => (left < right ? -1 : 1))),
    parameters: reading.parameters,
    externalData: [...reading.external].sort(),
  }
}

function addOpset(opsets: Record<string, number>, message: Buffer): void {
  let domain = ''
  let version = 0
  for (const field of wireFields(message)) {
    if (field.field === 1 && field.type === 'bytes') domain = text(field.value)
    if (field.field === 2 && field.type === 'varint') version = field.value
  }
  opsets[domain === 'ai.onnx' ? '' : domain] = version
}

/** GraphProto: 1 nodes, 5 initialisers, 11 inputs, 12 outputs, 15 sparse initialisers. */
function readGraph(message: Buffer, reading: Reading, depth: number) {
  if (depth > MAX_DEPTH) throw new WireError(`it nests deeper than ${MAX_DEPTH} graphs`)
  const inputs: OnnxValue[] = []
  const outputs: OnnxValue[] = []
  const stored = new Set<string>()
  for (const field of wireFields(message)) {
    countPart(reading)
    if (field.type !== 'bytes') continue
    if (field.field === 1) readNode(field.value, reading, depth)
    else if (field.field === 5) stored.add(readTensor(field.value, reading))
    else if (field.field === 11) inputs.push(readValue(field.value))
    else if (field.field === 12) outputs.push(readValue(field.value))
    else if (field.field === 15) readSparse(field.value, reading)
  }
  // Before IR version 4 every initialiser was listed as an input too; it is one that nobody has to feed.
  return { inputs: inputs.filter(({ name }) => !stored.has(name)), outputs }
}

/** FunctionProto: 7 nodes, 9 and 10 its name and domain. */
function readFunction(message: Buffer, reading: Reading, depth: number): void {
  for (const field of wireFields(message)) {
    countPart(reading)
    if (field.field === 7 && field.type === 'bytes') readNode(field.value, reading, depth + 1)
  }
}

/** NodeProto: 4 operator, 5 attributes, 7 domain. */
function readNode(message: Buffer, reading: Reading, depth: number): void {
  let operator = ''
  let domain = ''
  for (const field of wireFields(message)) {
    countPart(reading)
    if (field.type !== 'bytes') continue
    if (field.field === 4) operator = text(field.value)
    else if (field.field === 7) domain = text(field.value)
    else if (field.field === 5) readAttribute(field.value, reading, depth)
  }
  const name = domain === '' || domain === 'ai.onnx' ? operator : `${domain}:${operator}`
  reading.operators.set(name, (reading.operators.get(name) ?? 0) + 1)
}

/** AttributeProto: 5 and 10 tensors, 6 and 11 graphs. */
function readAttribute(message: Buffer, reading: Reading, depth: number): void {
  for (const field of wireFields(message)) {
    countPart(reading)
    if (field.type !== 'bytes') continue
    if (field.field === 6 || field.field === 11) readGraph(field.value, reading, depth + 1)
    else if (field.field === 5 || field.field === 10) readTensor(field.value, reading)
  }
}

/** TensorProto: 1 dimensions, 8 name, 13 external data, 14 location (1: external). Its numbers are skipped. */
function readTensor(message: Buffer, reading: Reading): string {
  let name = ''
  let elements = 1
  for (const field of wireFields(message)) {
    countPart(reading)
    if (field.field === 1) for (const size of packedVarints(field)) elements *= size
    else if (field.field === 8 && field.type === 'bytes') name = text(field.value)
    else if (field.field === 13 && field.type === 'bytes') addExternal(field.value, reading)
    else if (
      field.field === 14 &&
      field.type === 'varint' &&
      field.value === 1 &&
      reading.external.size === 0
    )
      reading.external.add('an unnamed file')
  }
  if (Number.isSafeInteger(elements)) reading.parameters += elements
  return name
}

/** SparseTensorProto: 1 values. */
function readSparse(message: Buffer, reading: Reading): void {
  for (const field of wireFields(message))
    if (field.field === 1 && field.type === 'bytes') readTensor(field.value, reading)
}

/** StringStringEntryProto with the key `location`. */
function addExternal(message: Buffer, reading: Reading): void {
  let key = ''
  let value = ''
  for (const field of wireFields(message)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) key = text(field.value)
    if (field.field === 2) value = text(field.value)
  }
  if (key !== 'location') return
  reading.external.delete('an unnamed file')
  if (reading.external.size < 16) reading.external.add(value)
}

/** ValueInfoProto: 1 name, 2 type. TypeProto: 1 tensor, 4 sequence, 5 map, 8 sparse tensor, 9 optional. */
function readValue(message: Buffer): OnnxValue {
  let name = ''
  let kind: Pick<OnnxValue, 'dtype' | 'shape'> = { dtype: 'undefined', shape: null }
  for (const field of wireFields(message)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) name = text(field.value)
    if (field.field === 2) for (const part of wireFields(field.value)) kind = readType(part) ?? kind
  }
  return { name, ...kind }
}

const OTHER_TYPES: Record<number, string> = { 4: 'sequence', 5: 'map', 8: 'sparse tensor', 9: 'optional' }

function readType(part: WireField): Pick<OnnxValue, 'dtype' | 'shape'> | undefined {
  if (part.type !== 'bytes') return undefined
  const other = OTHER_TYPES[part.field]
  if (other !== undefined) return { dtype: other, shape: null }
  if (part.field !== 1) return undefined
  let dtype = 'undefined'
  let shape: (number | null)[] | null = null
  for (const field of wireFields(part.value)) {
    if (field.field === 1 && field.type === 'varint') dtype = DTYPES[field.value] ?? `type ${field.value}`
    if (field.field === 2 && field.type === 'bytes') shape = readShape(field.value)
  }
  return { dtype, shape }
}

/** TensorShapeProto: 1 dimensions, each with 1 its size or 2 its name. */
function readShape(message: Buffer): (number | null)[] {
  const shape: (number | null)[] = []
  for (const dimension of wireFields(message)) {
    if (dimension.field !== 1 || dimension.type !== 'bytes') continue
    if (shape.length === MAX_DIMENSIONS)
      throw new WireError(`a shape has more than ${MAX_DIMENSIONS} dimensions`)
    let size: number | null = null
    for (const field of wireFields(dimension.value))
      if (
        field.field === 1 &&
        field.type === 'varint' &&
        Number.isSafeInteger(field.value) &&
        field.value > 0
      )
        size = field.value
    shape.push(size)
  }
  return shape
}

function countPart(reading: Reading): void {
  if (++reading.parts > MAX_PARTS) throw new WireError(`it has more than ${MAX_PARTS} parts`)
}

function text(bytes: Buffer): string {
  if (bytes.length > MAX_NAME_BYTES) throw new WireError(`a name is longer than ${MAX_NAME_BYTES} bytes`)
  return bytes.toString('utf8').toWellFormed()
}
