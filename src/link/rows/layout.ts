import type { TensorSpec } from '../../contracts/index.ts'
import { LinkProtocolError } from '../frame.ts'
import { type ElementType, elementTypes } from './elements.ts'

const MAX_EMPTY_DIMENSION = 65_536

/** A tensor of a contract with what can be known before any row: computed once, used for every row. */
export interface TensorLayout {
  readonly spec: TensorSpec
  readonly name: string
  readonly shape: readonly (number | null)[]
  /** Undefined for strings. */
  readonly element: ElementType | undefined
  readonly freeDimensions: number
  /** Elements of a row when no dimension is free, else null. */
  readonly elements: number | null
  /** Bytes of a row when that is fixed, else null. */
  readonly bytes: number | null
}

export function layoutOf(spec: TensorSpec): TensorLayout {
  const element = spec.dtype === 'string' ? undefined : elementTypes[spec.dtype]
  const freeDimensions = spec.shape.filter((size) => size === null).length
  const elements = freeDimensions > 0 ? null : productOf(spec.shape as number[])
  return {
    spec,
    name: spec.name,
    shape: spec.shape,
    element,
    freeDimensions,
    elements,
    bytes: elements === null || element === undefined ? null : elements * element.bytes,
  }
}

export function productOf(sizes: readonly number[]): number {
  let product = 1
  for (const size of sizes) product *= size
  return product
}

/** A body under reading: where it is, and the dimensions and elements of the tensor at hand. */
export class RowCursor {
  readonly bytes: Buffer
  readonly view: DataView
  at = 0
  /** The dimensions of the tensor last entered. */
  dimensions: number[] = []
  elements = 0

  constructor(body: Uint8Array) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  }

  /** Reads the free dimensions of a tensor; the elements follow. Throws `LinkProtocolError` past the end. */
  enter(layout: TensorLayout): void {
    if (layout.elements !== null) {
      this.elements = layout.elements
      this.dimensions = layout.shape as number[]
    } else {
      this.dimensions = layout.shape.map((size) => size ?? this.#u32())
      this.elements = productOf(this.dimensions)
      // Nothing in the body backs the other dimensions of a tensor without elements.
      if (this.elements === 0 && Math.max(...this.dimensions) > MAX_EMPTY_DIMENSION) {
        throw new LinkProtocolError('an empty tensor has an absurd dimension')
      }
    }
    const leastBytes = this.elements * (layout.element?.bytes ?? 4)
    if (leastBytes > this.bytes.length - this.at) throw new LinkProtocolError('a body ends inside a row')
  }

  text(): string {
    const length = this.#u32()
    if (length > this.bytes.length - this.at) throw new LinkProtocolError('a body ends inside a string')
    const start = this.at
    this.at += length
    return this.bytes.toString('utf8', start, this.at)
  }

  skipText(): void {
    const length = this.#u32()
    if (length > this.bytes.length - this.at) throw new LinkProtocolError('a body ends inside a string')
    this.at += length
  }

  #u32(): number {
    if (this.at + 4 > this.bytes.length) throw new LinkProtocolError('a body ends inside a row')
    const value = this.view.getUint32(this.at, true)
    this.at += 4
    return value
  }
}
