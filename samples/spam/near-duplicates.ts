/**
 * Near-duplicates by MinHash (Broder 1997): a text is the set of its 4-word shingles, after digits and punctuation
 * are gone; a signature of 64 minima estimates how much two sets share (standard error ≤ 0.063), and 16 bands of 4
 * rows find candidate pairs (at a shared part of 0.7 a pair is found with 98.8 %).
 */
const BANDS = 16
const ROWS = 4
const SHINGLE_WORDS = 4

/** Letters only, lower case, single spaces: what stays equal when a mailing changes numbers, dates and links. */
export function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/\bhttps?:\/\/\S+/g, ' ')
    .replace(/[^\p{L}]+/gu, ' ')
    .trim()
}

/** For each text of `later`: does some text of `earlier` share at least `threshold` (0..1) of its shingles? */
export function findRepeats(
  earlier: readonly string[],
  later: readonly string[],
  threshold: number,
): readonly boolean[] {
  const signatures = earlier.map((text) => signatureOf(normalise(text)))
  const byBand = new Map<string, number[]>()
  signatures.forEach((signature, index) => {
    for (const key of bandKeys(signature)) {
      const bucket = byBand.get(key)
      if (bucket === undefined) byBand.set(key, [index])
      else bucket.push(index)
    }
  })
  return later.map((text) => {
    const signature = signatureOf(normalise(text))
    const candidates = new Set(bandKeys(signature).flatMap((key) => byBand.get(key) ?? []))
    return [...candidates].some((index) => shared(signature, signatures[index]!) >= threshold)
  })
}

function signatureOf(normalised: string): Uint32Array {
  const words = normalised.split(' ')
  const signature = new Uint32Array(BANDS * ROWS).fill(0xffffffff)
  const last = Math.max(0, words.length - SHINGLE_WORDS)
  for (let start = 0; start <= last; start++) {
    const base = fnv1a(words.slice(start, start + SHINGLE_WORDS).join(' '))
    for (let row = 0; row < signature.length; row++) {
      const value = mix(base ^ Math.imul(row + 1, 0x9e3779b1))
      if (value < signature[row]!) signature[row] = value
    }
  }
  return signature
}

function bandKeys(signature: Uint32Array): string[] {
  return Array.from(
    { length: BANDS },
    (_, band) => `${band}:${signature.subarray(band * ROWS, (band + 1) * ROWS).join()}`,
  )
}

function shared(left: Uint32Array, right: Uint32Array): number {
  let same = 0
  for (let row = 0; row < left.length; row++) if (left[row] === right[row]) same++
  return same / left.length
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let bits = value
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
