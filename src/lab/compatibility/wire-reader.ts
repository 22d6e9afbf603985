/** Why bytes are no protocol buffer of the form expected; the message is a clause for people. */
export class WireError extends Error {}

export type WireField =
  | { readonly field: number; readonly type: 'varint'; readonly value: number }
  | { readonly field: number; readonly type: 'bytes'; readonly value: Buffer }
  | { readonly field: number; readonly type: 'fixed' }

/**
 * The fields of one protocol buffer message, in order (wire types 0, 1, 2 and 5 of the encoding specification).
 * Nothing is copied: bytes are views. Each step takes at least one byte, so it ends on any input. Varints beyond 2⁵³
 * lose their low bits; the negative ones of dimensions come out as large numbers, which no caller accepts.
 */
export function* wireFields(message: Buffer): Generator<WireField> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let index = 0; index < 10; index++) {
      const byte = message[at++]
      if (byte === undefined) throw new WireError('it ends inside a number')
      value += (byte & 127) * 2 ** (7 * index)
      if (byte < 128) return value
    }
    throw new WireError('a number is longer than ten bytes')
  }
  while (at < message.length) {
    const tag = varint()
    const field = Math.floor(tag / 8)
    if (field === 0) throw new WireError('a field has the number 0')
    switch (tag % 8) {
      case 0:
        yield { field, type: 'varint', value: varint() }
        break
      case 1:
        at += 8
        yield { field, type: 'fixed' }
        break
      case 2: {
        const length = varint()
        if (length > message.length - at) throw new WireError('it ends inside a field')
        yield { field, type: 'bytes', value: message.subarray(at, at + length) }
        at += length
        break
      }
      case 5:
        at += 4
        yield { field, type: 'fixed' }
        break
      default:
        throw new WireError(`a field has the unknown wire type ${tag % 8}`)
    }
    if (at > message.length) throw new WireError('it ends inside a field')
  }
}

/** Whole numbers of a repeated field, packed or not. */
export function packedVarints(field: WireField): number[] {
  if (field.type === 'varint') return [field.value]
  if (field.type !== 'bytes') return []
  const values: number[] = []
  let value = 0
  let shift = 0
  for (const byte of field.value) {
    value += (byte & 127) * 2 ** shift
    if (byte < 128) {
      values.push(value)
      value = 0
      shift = 0
    } else shift += 7
    if (shift > 63) throw new WireError('a number is longer than ten bytes')
  }
  return values
}
