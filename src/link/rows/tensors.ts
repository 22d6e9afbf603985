import type { BatchMemory } from './batch-memory.ts'
import { productOf, RowCursor, type TensorLayout } from './layout.ts'
import { RowWriter } from './row-writer.ts'
import type { Tensor, TensorBatch } from './tensor.ts'

/** Rows of one request. */
export interface RowPart {
  readonly rows: number
  readonly body: Uint8Array
}

/** Checked parts of equal shape to one batch. */
export function gather(
  layouts: readonly TensorLayout[],
  parts: readonly RowPart[],
  memory: BatchMemory | undefined,
): TensorBatch {
  let rows = 0
  for (const part of parts) rows += part.rows
  const only = layouts[0] as TensorLayout
  if (layouts.length === 1 && only.bytes !== null) {
    return { rows, tensors: { [only.name]: gatherBytes(only, parts, rows, memory) } }
  }
  return { rows, tensors: gatherRows(layouts, parts, rows, memory) }
}

/** One tensor of fixed size: its rows stand one behind the other already. */
function gatherBytes(
  layout: TensorLayout,
  parts: readonly RowPart[],
  rows: number,
  memory: BatchMemory | undefined,
): Tensor {
  const data = allocate(layout, rows, layout.elements as number, memory)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  let at = 0
  for (const { body } of parts) {
    bytes.set(body, at)
    at += body.length
  }
  return { dtype: layout.spec.dtype, shape: [rows, ...(layout.shape as number[])], data }
}

function gatherRows(
  layouts: readonly TensorLayout[],
  parts: readonly RowPart[],
  rows: number,
  memory: BatchMemory | undefined,
): Record<string, Tensor> {
  const targets: (Tensor & { bytes: Uint8Array | undefined })[] = []
  const written = new Array<number>(layouts.length).fill(0)
  for (const part of parts) {
    const cursor = new RowCursor(part.body)
    for (let row = 0; row < part.rows; row++) {
      for (let index = 0; index < layouts.length; index++) {
        const layout = layouts[index] as TensorLayout
        cursor.enter(layout)
        const target = targets[index] ?? targetFor(layout, rows, cursor, memory)
        targets[index] = target
        if (target.bytes === undefined) {
          const texts = target.data as string[]
          for (let element = 0; element < cursor.elements; element++) texts.push(cursor.text())
        } else {
          const length = cursor.elements * layout.element!.bytes
          target.bytes.set(cursor.bytes.subarray(cursor.at, cursor.at + length), written[index])
          cursor.at += length
          written[index]! += length
        }
      }
    }
  }
  return Object.fromEntries(
    layouts.map(({ name }, index) => {
      const { dtype, shape, data } = targets[index]!
      return [name, { dtype, shape, data }]
    }),
  )
}

function targetFor(layout: TensorLayout, rows: number, cursor: RowCursor, memory: BatchMemory | undefined) {
  const shape = [rows, ...cursor.dimensions]
  const { dtype } = layout.spec
  if (layout.element === undefined) return { dtype, shape, data: [] as string[], bytes: undefined }
  const data = allocate(layout, rows, cursor.elements, memory)
  return { dtype, shape, data, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** Only tensors of fixed size are kept, since the batch policy bounds those. */
function allocate(layout: TensorLayout, rows: number, elements: number, memory: BatchMemory | undefined) {
  const kept =
    layout.bytes === null || rows === 0 ? undefined : memory?.take(layout.name, rows * layout.bytes)
  return layout.element!.allocate(rows * elements, kept)
}

/** Why the batch is not of this layout, or undefined. */
export function mismatch(layouts: readonly TensorLayout[], batch: TensorBatch): string | undefined {
  for (const { name, spec, shape } of layouts) {
    const tensor = batch.tensors[name]
    if (tensor === undefined) return `${name} is missing`
    if (tensor.dtype !== spec.dtype) return `${name} is ${tensor.dtype}, not ${spec.dtype}`
    const [batchSize, ...dimensions] = tensor.shape
    if (batchSize !== batch.rows) return `${name} has ${batchSize ?? 'no'} rows, not ${batch.rows}`
    if (
      dimensions.length !== shape.length ||
      shape.some((size, index) => size !== null && size !== dimensions[index])
    ) {
      return `${name} has rows of shape [${dimensions}], not [${shape.map((size) => size ?? '?')}]`
    }
    if (tensor.data.length !== productOf(tensor.shape)) {
      return `${name} has ${tensor.data.length} values, not ${productOf(tensor.shape)}`
    }
  }
  return undefined
}

/** Rows `from` up to `to` of a batch that was checked by `mismatch`. */
export function scatter(
  layouts: readonly TensorLayout[],
  rowBytes: number | null,
  batch: TensorBatch,
  from: number,
  to: number,
): Buffer {
  const only = layouts[0] as TensorLayout
  if (layouts.length === 1 && rowBytes !== null) {
    const { data } = batch.tensors[only.name] as Tensor
    const { buffer, byteOffset } = data as Float32Array
    return Buffer.from(buffer as ArrayBuffer, byteOffset + from * rowBytes, (to - from) * rowBytes)
  }
  const writer = new RowWriter((to - from) * (rowBytes ?? 64))
  for (let row = from; row < to; row++) {
    for (const layout of layouts) writeTensor(writer, layout, batch.tensors[layout.name] as Tensor, row)
  }
  return writer.done()
}

function writeTensor(writer: RowWriter, layout: TensorLayout, tensor: Tensor, row: number): void {
  const { element } = layout
  const elements = layout.elements ?? productOf(tensor.shape.slice(1))
  writer.reserve(4 * layout.freeDimensions + elements * (element?.bytes ?? 0))
  for (let index = 0; index < layout.shape.length && layout.freeDimensions > 0; index++) {
    if (layout.shape[index] === null) writer.u32(tensor.shape[index + 1] as number)
  }
  const start = row * elements
  if (element === undefined) {
    for (let index = 0; index < elements; index++)
      writer.text((tensor.data as string[])[start + index] as string)
    return
  }
  for (let index = 0; index < elements; index++) {
    element.putData(writer.view, writer.at, tensor.data, start + index)
    writer.at += element.bytes
  }
}
