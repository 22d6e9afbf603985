import { SlipwayError } from '../../kernel/index.ts'
import type { ElementType } from './elements.ts'
import type { TensorLayout } from './layout.ts'
import { RowWriter } from './row-writer.ts'

/** Stands for the only input of a model that has one. */
const ALIAS = 'features'
/** A guess for strings, so that short ones need no second buffer. */
const EXPECTED_TEXT_BYTES = 256

export interface JsonRows {
  readonly layouts: readonly TensorLayout[]
  readonly rowBytes: number | null
  readonly model: string
}

export function rowsFromJson(side: JsonRows, rows: readonly unknown[]): Buffer {
  if (rows.length === 0) {
    throw new SlipwayError('invalid_request', { reason: 'inputs has no rows.' }, { pointer: '/inputs' })
  }
  const expected =
    side.rowBytes ?? side.layouts.reduce((sum, { bytes }) => sum + (bytes ?? EXPECTED_TEXT_BYTES), 0)
  const writer = new RowWriter(rows.length * expected)
  const walk = new Walk(side, writer)
  for (let row = 0; row < rows.length; row++) walk.row(row, rows[row])
  return writer.done()
}

/** One pass over the rows of a request. Where it stands is kept here, so that only an error pays for its pointer. */
class Walk {
  readonly #side: JsonRows
  readonly #writer: RowWriter
  #row = 0
  #field = ''
  readonly #path: number[] = []
  /** The free dimensions of the first row; the others must agree. */
  readonly #freeDimensions: number[] = []
  #freeSeen = 0

  constructor(side: JsonRows, writer: RowWriter) {
    this.#side = side
    this.#writer = writer
  }

  row(index: number, row: unknown): void {
    this.#row = index
    this.#field = ''
    this.#freeSeen = 0
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw this.#invalid(`must be an object keyed by input, is ${nameOf(row)}`)
    }
    const { layouts } = this.#side
    let found = 0
    for (const layout of layouts) {
      this.#field = layout.name
      let value = (row as Record<string, unknown>)[layout.name]
      if (value === undefined && layouts.length === 1 && layout.name !== ALIAS) {
        value = (row as Record<string, unknown>)[ALIAS]
        if (value !== undefined) this.#field = ALIAS
      }
      if (value === undefined) continue
      found++
      this.#tensor(layout, value)
    }
    if (found !== layouts.length || Object.keys(row).length !== found) this.#blameFields(row)
  }

  #tensor(layout: TensorLayout, value: unknown): void {
    const { element } = layout
    if (layout.freeDimensions > 0) this.#dimensions(layout, value)
    if (layout.bytes !== null) this.#writer.reserve(layout.bytes)
    if (element !== undefined && layout.shape.length === 1) this.#vector(layout, element, value)
    else this.#nested(layout, value, 0)
  }

  /** The hot path: one array of numbers. */
  #vector(layout: TensorLayout, element: ElementType, value: unknown): void {
    const values = this.#array(layout, value, 0)
    const { length } = values
    const writer = this.#writer
    writer.reserve(length * element.bytes)
    const { view } = writer
    let { at } = writer
    if (layout.spec.dtype === 'float32') {
      for (let index = 0; index < length; index++) {
        const number = values[index]
        // `accepts` of float32, written out: a call for each number would double the time of a row.
        if (typeof number !== 'number' || !(Math.abs(number) <= 3.4028234663852886e38)) {
          throw this.#invalidAt(index, element, number)
        }
        view.setFloat32(at, number, true)
        at += 4
      }
    } else {
      for (let index = 0; index < length; index++) {
        if (!element.accepts(values[index])) throw this.#invalidAt(index, element, values[index])
        element.put(view, at, values[index])
        at += element.bytes
      }
    }
    writer.at = at
  }

  #nested(layout: TensorLayout, value: unknown, depth: number): void {
    if (depth === layout.shape.length) {
      this.#scalar(layout, value)
      return
    }
    const values = this.#array(layout, value, depth)
    for (let index = 0; index < values.length; index++) {
      this.#path[depth] = index
      this.#nested(layout, values[index], depth + 1)
    }
    this.#path.length = depth
  }

  #scalar(layout: TensorLayout, value: unknown): void {
    const { element } = layout
    const writer = this.#writer
    if (element === undefined) {
      if (typeof value !== 'string') throw this.#invalid(`must be a string, is ${nameOf(value)}`)
      writer.text(value)
      return
    }
    if (!element.accepts(value)) throw this.#invalid(`must be ${element.wanted}, is ${nameOf(value)}`)
    writer.reserve(element.bytes)
    element.put(writer.view, writer.at, value)
    writer.at += element.bytes
  }

  #array(layout: TensorLayout, value: unknown, depth: number): readonly unknown[] {
    const wanted = layout.shape[depth]
    if (!Array.isArray(value)) {
      throw this.#invalid(`must be an array of ${wanted ?? 'any number of'} values, is ${nameOf(value)}`)
    }
    const length = wanted ?? this.#dimensionsHere[depth]
    if (value.length !== length) throw this.#invalid(`must have ${length} values, has ${value.length}`)
    return value
  }

  #dimensionsHere: number[] = []

  /** Reads the shape along the first elements, writes its free dimensions, and holds later rows to the first. */
  #dimensions(layout: TensorLayout, value: unknown): void {
    this.#dimensionsHere = []
    this.#writer.reserve(4 * layout.freeDimensions)
    let inner = value
    for (const size of layout.shape) {
      if (!Array.isArray(inner)) throw this.#invalid(`must be an array, is ${nameOf(inner)}`)
      this.#dimensionsHere.push(inner.length)
      if (size === null) this.#freeDimension(inner.length)
      inner = inner[0]
      if (inner === undefined) {
        if (this.#dimensionsHere.length > 1) throw this.#invalid('must not hold empty arrays')
        // An empty array says nothing of the dimensions inside it.
        const left = layout.shape.slice(this.#dimensionsHere.length)
        for (const size of left) {
          this.#dimensionsHere.push(size ?? 0)
          if (size === null) this.#freeDimension(0)
        }
        return
      }
    }
  }

  #freeDimension(length: number): void {
    const place = this.#freeSeen++
    const first = this.#freeDimensions[place]
    if (first === undefined) this.#freeDimensions[place] = length
    else if (first !== length) {
      throw this.#invalid(`must have ${first} values as in row 0, has ${length}; send other shapes apart`)
    }
    this.#writer.u32(length)
  }

  #blameFields(row: object): never {
    const { layouts } = this.#side
    const isAliased = layouts.length === 1 && !Object.hasOwn(row, layouts[0]!.name)
    for (const { name } of layouts) {
      if (!Object.hasOwn(row, name) && !(isAliased && Object.hasOwn(row, ALIAS))) {
        this.#field = name
        throw this.#invalid('is missing')
      }
    }
    for (const key of Object.keys(row)) {
      if (layouts.some(({ name }) => name === key) || (isAliased && key === ALIAS)) continue
      this.#field = key.slice(0, 64)
      throw this.#invalid('is not an input of the model')
    }
    throw this.#invalid('is missing')
  }

  #invalidAt(index: number, element: ElementType, value: unknown): SlipwayError {
    this.#path[0] = index
    this.#path.length = 1
    return this.#invalid(`must be ${element.wanted}, is ${nameOf(value)}`)
  }

  #invalid(reason: string): SlipwayError {
    const inside = this.#path.length === 0 ? '' : `[${this.#path.join('][')}]`
    const field = this.#field.replaceAll('~', '~0').replaceAll('/', '~1')
    const pointer = ['/inputs', this.#row, ...(field === '' ? [] : [field]), ...this.#path].join('/')
    return new SlipwayError(
      'rows_invalid',
      { row: this.#row, field: `${this.#field}${inside}`, reason, model: this.#side.model },
      { pointer },
    )
  }
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return String(value)
    case 'string':
      return 'a string'
    case 'undefined':
      return 'missing'
    default:
      return 'an object'
  }
}
