import { SlipwayError } from '../../kernel/index.ts'
import type { JsonObject } from '../dialect.ts'

/**
 * One value of a client's body with the JSON pointer (RFC 6901) that leads to it, so that whatever is wrong with it is
 * told by its place. `null` counts as not said, as it does in the APIs themselves.
 */
export class Place {
  readonly value: unknown
  readonly pointer: string

  constructor(value: unknown, pointer = '') {
    this.value = value
    this.pointer = pointer
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null
  }

  /** Of an object or list; absent where there is none. */
  at(key: string | number): Place {
    const { value } = this
    const isHolder = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    const step = String(key).replaceAll('~', '~0').replaceAll('/', '~1')
    return new Place(isHolder ? (value as JsonObject)[key] : undefined, `${this.pointer}/${step}`)
  }

  /** Undefined where nothing is said. */
  maybe<T>(read: (place: Place) => T): T | undefined {
    return this.isAbsent ? undefined : read(this)
  }

  object(): JsonObject {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('must be an object')
    return value as JsonObject
  }

  list(max = 100_000): Place[] {
    const { value } = this
    if (!Array.isArray(value)) this.fail('must be a list')
    if (value.length > max) this.fail(`has more than ${max} entries`)
    return value.map((_, index) => this.at(index))
  }

  text(max = Number.POSITIVE_INFINITY): string {
    const { value } = this
    if (typeof value !== 'string') this.fail('must be a string')
    if (value.length > max) this.fail(`is longer than ${max} characters`)
    return value
  }

  flag(): boolean {
    const { value } = this
    if (typeof value !== 'boolean') this.fail('must be true or false')
    return value
  }

  number(min: number, max: number): number {
    const { value } = this
    if (typeof value !== 'number' || !(value >= min && value <= max))
      this.fail(`must be a number from ${min} to ${max}`)
    return value
  }

  integer(min: number, max = Number.MAX_SAFE_INTEGER): number {
    const { value } = this
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      this.fail(
        max === Number.MAX_SAFE_INTEGER
          ? `must be a whole number from ${min} up`
          : `must be a whole number from ${min} to ${max}`,
      )
    return value
  }

  oneOf<const Name extends string>(names: readonly Name[]): Name {
    const name = names.find((known) => known === this.value)
    if (name === undefined) this.fail(`must be one of ${names.join(', ')}`)
    return name
  }

  /** Throws `invalid_request`. */
  fail(what: string): never {
    const { pointer } = this
    const name = pointer === '' ? 'The body' : pointer.slice(1).replaceAll('/', '.')
    throw new SlipwayError('invalid_request', { reason: `${name} ${what}.` }, { pointer })
  }
}
