/**
 * MurmurHash3_x86_32 of a string's UTF-8 bytes (Austin Appleby, public domain; SMHasher's reference vectors are in the
 * test). Well mixed, so that any interval of the 2³² space holds its share of units; not meant to resist an
 * adversary: somebody who picks their own unit may pick their version, as they may by pinning it.
 */
export function murmur3(text: string, seed: number): number {
  let hash = seed | 0
  let block = 0
  const length = text.length
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return murmur3OfBytes(Buffer.from(text, 'utf8'), seed)
    block |= code << ((index & 3) << 3)
    if ((index & 3) === 3) {
      hash = mixBlock(hash, block)
      block = 0
    }
  }
  return finish(hash, block, length)
}

function murmur3OfBytes(bytes: Uint8Array, seed: number): number {
  let hash = seed | 0
  let block = 0
  for (let index = 0; index < bytes.length; index++) {
    block |= (bytes[index] as number) << ((index & 3) << 3)
    if ((index & 3) === 3) {
      hash = mixBlock(hash, block)
      block = 0
    }
  }
  return finish(hash, block, bytes.length)
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number, tail: number, length: number): number {
  // A tail of zero bytes scrambles to zero, so the xor is right for whole blocks too.
  let mixed = hash ^ scramble(tail) ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}
