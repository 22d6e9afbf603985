/** Writes tiny ONNX models by hand: one operator `Abs` from x to y unless told otherwise. */
export function onnxBytes(
  options: {
    ir?: number
    opset?: number
    domain?: string
    operator?: string
    operatorDomain?: string
    batch?: number | null
    width?: number
    dtype?: number
    output?: string
    external?: boolean
    graph?: boolean
  } = {},
): Buffer {
  const dtype = options.dtype ?? 1
  const dimension = (size: number | null) =>
    size === null ? field(1, field(2, text('N'))) : field(1, number(1, size))
  const shape = field(2, [
    ...dimension(options.batch ?? null),
    ...(options.width === undefined ? [] : dimension(options.width)),
  ])
  const value = (name: string) => [
    ...field(1, text(name)),
    ...field(2, field(1, [...number(1, dtype), ...shape])),
  ]
  const output = options.output ?? 'y'
  const node = [
    ...field(1, text('x')),
    ...field(2, text(output)),
    ...field(4, text(options.operator ?? 'Abs')),
    ...(options.operatorDomain === undefined ? [] : field(7, text(options.operatorDomain))),
  ]
  const location = [...field(1, text('location')), ...field(2, text('weights.bin'))]
  const weights = [
    ...number(1, 3),
    ...number(1, 4),
    ...number(2, 1),
    ...field(8, text('w')),
    ...(options.external ? [...field(13, location), ...number(14, 1)] : field(9, new Array(48).fill(0))),
  ]
  const graph = [
    ...field(1, node),
    ...field(2, text('g')),
    ...field(5, weights),
    ...field(11, value('x')),
    ...field(12, value(output)),
  ]
  return Buffer.from([
    ...number(1, options.ir ?? 10),
    ...field(2, text('by hand')),
    ...(options.graph === false ? [] : field(7, graph)),
    ...field(8, [
      ...(options.domain === undefined ? [] : field(1, text(options.domain))),
      ...number(2, options.opset ?? 18),
    ]),
    ...(options.domain === undefined ? [] : field(8, number(2, 18))),
  ])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

function number(tag: number, value: number): number[] {
  return [...varint(tag * 8), ...varint(value)]
}

function field(tag: number, bytes: readonly number[]): number[] {
  return [...varint(tag * 8 + 2), ...varint(bytes.length), ...bytes]
}

function text(value: string): number[] {
  return [...Buffer.from(value)]
}
