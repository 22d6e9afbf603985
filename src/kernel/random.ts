/** Uniform in [0, 1). */
export type Random = () => number

/** A small fast seeded generator (sfc32, Chris Doty-Humphrey's PractRand); same seed, same sequence, everywhere. */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0
  let b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  let c = 0x2545f491
  let counter = 1
  const next = () => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4294967296
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) next()
  return next
}
