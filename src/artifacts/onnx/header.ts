import type { ByteSource } from '../byte-source.ts'
import { Unreadable } from '../unreadable.ts'
import { packedVarints, type Span, wireFields, wireText } from '../wire.ts'
import { type OnnxValue, readOnnxValue } from './value.ts'

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
  /** The same by TensorProto.DataType. */
  readonly parametersByType: Record<number, number>
  /** Names of files that hold weights outside this one. */
  readonly externalData: string[]
}

/** Subgraphs inside subgraphs, messages inside messages; exporters stay below ten. */
const MAX_DEPTH = 32
/** Nodes, initialisers, values together: a bound on work and memory whatever the file claims. */
const MAX_PARTS = 1_000_000
const MAX_DIMENSIONS = 64

interface Reading {
  readonly source: ByteSource
  parts: number
  readonly operators: Map<string, number>
  readonly external: Set<string>
  parameters: number
  readonly byType: Record<number, number>
}

/**
 * Reads the header by the field numbers of onnx.proto3 (ModelProto 1, 2, 3, 7, 8, 25). Throws `Unreadable` on anything
 * that is not a whole ONNX model.
 */
export function onnxHeader(source: ByteSource): OnnxHeader {
  const end = source.sizeBytes
  if (end === 0) throw new Unreadable(0, 'an ONNX model', 'an empty file')
  const reading: Reading = {
    source,
    parts: 0,
    operators: new Map(),
    external: new Set(),
    parameters: 0,
    byType: {},
  }
  let irVersion = 0
  let producer = ''
  let producerVersion = ''
  const opsets: Record<string, number> = {}
  let graph: ReturnType<typeof readGraph> | undefined
  for (const field of wireFields(source, { start: 0, end })) {
    countPart(reading, 0)
    if (field.field === 1 && field.type === 'varint') irVersion = field.value
    else if (field.type !== 'bytes') continue
    else if (field.field === 2) producer = wireText(source, field)
    else if (field.field === 3) producerVersion = wireText(source, field)
    else if (field.field === 7) graph = readGraph(field, reading, 0)
    else if (field.field === 8) addOpset(opsets, field, source)
    else if (field.field === 25) readFunction(field, reading, 0)
  }
  if (irVersion === 0) throw new Unreadable(0, 'an IR version', 'none, so this is no ONNX model')
  if (graph === undefined) throw new Unreadable(end, 'a graph', 'no graph')
  if (graph.outputs.length === 0) throw new Unreadable(end, 'outputs of the graph', 'none')
  if (Object.keys(opsets).length === 0) throw new Unreadable(end, 'an operator set', 'none')
  return {
    irVersion,
    producer: producerVersion === '' ? producer : `${producer} ${producerVersion}`,
    opsets,
    inputs: graph.inputs,
    outputs: graph.outputs,
    operators: Object.fromEntries([...reading.operators].sort(([left], [right]) => (left < right ? -1 : 1))),
    parameters: reading.parameters,
    parametersByType: reading.byType,
    externalData: [...reading.external].sort(),
  }
}

function addOpset(opsets: Record<string, number>, message: Span, source: ByteSource): void {
  let domain = ''
  let version = 0
  for (const field of wireFields(source, message)) {
    if (field.field === 1 && field.type === 'bytes') domain = wireText(source, field)
    if (field.field === 2 && field.type === 'varint') version = field.value
  }
  opsets[domain === 'ai.onnx' ? '' : domain] = version
}

/** GraphProto: 1 nodes, 5 initialisers, 11 inputs, 12 outputs, 15 sparse initialisers. */
function readGraph(message: Span, reading: Reading, depth: number) {
  if (depth > MAX_DEPTH)
    throw new Unreadable(
      message.start,
      `at most ${MAX_DEPTH} graphs inside each other`,
      'a file that nests deeper',
    )
  const inputs: OnnxValue[] = []
  const outputs: OnnxValue[] = []
  const stored = new Set<string>()
  for (const field of wireFields(reading.source, message)) {
    countPart(reading, message.start)
    if (field.type !== 'bytes') continue
    if (field.field === 1) readNode(field, reading, depth)
    else if (field.field === 5) stored.add(readTensor(field, reading))
    else if (field.field === 11) inputs.push(readOnnxValue(reading.source, field))
    else if (field.field === 12) outputs.push(readOnnxValue(reading.source, field))
    else if (field.field === 15) readSparse(field, reading)
  }
  // Before IR version 4 every initialiser was listed as an input too; it is one that nobody has to feed.
  return { inputs: inputs.filter(({ name }) => !stored.has(name)), outputs }
}

/** FunctionProto: 7 nodes, 9 and 10 its name and domain. */
function readFunction(message: Span, reading: Reading, depth: number): void {
  for (const field of wireFields(reading.source, message)) {
    countPart(reading, message.start)
    if (field.field === 7 && field.type === 'bytes') readNode(field, reading, depth + 1)
  }
}

/** NodeProto: 4 operator, 5 attributes, 7 domain. */
function readNode(message: Span, reading: Reading, depth: number): void {
  let operator = ''
  let domain = ''
  for (const field of wireFields(reading.source, message)) {
    countPart(reading, message.start)
    if (field.type !== 'bytes') continue
    if (field.field === 4) operator = wireText(reading.source, field)
    else if (field.field === 7) domain = wireText(reading.source, field)
    else if (field.field === 5) readAttribute(field, reading, depth)
  }
  const name = domain === '' || domain === 'ai.onnx' ? operator : `${domain}:${operator}`
  reading.operators.set(name, (reading.operators.get(name) ?? 0) + 1)
}

/** AttributeProto: 5 and 10 tensors, 6 and 11 graphs. */
function readAttribute(message: Span, reading: Reading, depth: number): void {
  for (const field of wireFields(reading.source, message)) {
    countPart(reading, message.start)
    if (field.type !== 'bytes') continue
    if (field.field === 6 || field.field === 11) readGraph(field, reading, depth + 1)
    else if (field.field === 5 || field.field === 10) readTensor(field, reading)
  }
}

/** TensorProto: 1 dimensions, 2 type, 8 name, 13 external data, 14 location (1: external). Its numbers are skipped. */
function readTensor(message: Span, reading: Reading): string {
  let name = ''
  let elements = 1
  let type = 0
  for (const field of wireFields(reading.source, message)) {
    countPart(reading, message.start)
    if (field.field === 1)
      for (const size of packedVarints(reading.source, field, MAX_DIMENSIONS)) elements *= size
    else if (field.field === 2 && field.type === 'varint') type = field.value
    else if (field.field === 8 && field.type === 'bytes') name = wireText(reading.source, field)
    else if (field.field === 13 && field.type === 'bytes') addExternal(field, reading)
    else if (
      field.field === 14 &&
      field.type === 'varint' &&
      field.value === 1 &&
      reading.external.size === 0
    )
      reading.external.add('an unnamed file')
  }
  if (Number.isSafeInteger(elements)) {
    reading.parameters += elements
    if (type < 64) reading.byType[type] = (reading.byType[type] ?? 0) + elements
  }
  return name
}

/** SparseTensorProto: 1 values. */
function readSparse(message: Span, reading: Reading): void {
  for (const field of wireFields(reading.source, message))
    if (field.field === 1 && field.type === 'bytes') readTensor(field, reading)
}

/** StringStringEntryProto with the key `location`. */
function addExternal(message: Span, reading: Reading): void {
  let key = ''
  let value = ''
  for (const field of wireFields(reading.source, message)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) key = wireText(reading.source, field)
    if (field.field === 2) value = wireText(reading.source, field)
  }
  if (key !== 'location') return
  reading.external.delete('an unnamed file')
  if (reading.external.size < 16) reading.external.add(value)
}

function countPart(reading: Reading, at: number): void {
  if (++reading.parts > MAX_PARTS) throw new Unreadable(at, `at most ${MAX_PARTS} parts`, 'more')
}
