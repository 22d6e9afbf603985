import type { Random } from '../../kernel/index.ts'

/** Numbers that lengths, counts and offsets go wrong at. */
const EDGES = [0, 1, 7, 8, 127, 128, 255, 256, 32_767, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]

/** A changed copy: bytes set, numbers of four and eight bytes replaced, pieces cut, doubled, swapped, the end cut off. */
export function mutate(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original)
  const upTo = (limit: number) => Math.floor(random() * limit)
  const times = 1 + upTo(6)
  for (let index = 0; index < times && bytes.length > 0; index++) {
    // Headers stand at one end; most changes go there.
    const at = random() < 0.7 ? upTo(Math.min(bytes.length, 2048)) : upTo(bytes.length)
    const length = 1 + upTo(16)
    const edge = EDGES[upTo(EDGES.length)]!
    switch (upTo(7)) {
      case 0:
        bytes[at] = upTo(256)
        break
      case 1:
        bytes[at]! ^= 1 << upTo(8)
        break
      case 2:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(edge, at)
        break
      case 3:
        if (at + 8 <= bytes.length) bytes.writeBigUInt64LE(BigInt(edge) << BigInt(upTo(33)), at)
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
        break
      default:
        bytes = bytes.subarray(0, random() < 0.5 ? at : bytes.length - Math.min(bytes.length, upTo(64)))
    }
  }
  return bytes
}
