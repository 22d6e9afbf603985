import type { Random } from '../../src/stats/index.ts'

/** Mulberry32: 32 bits of state, uniform in [0, 1), enough for simulations of 10⁸ draws in separately seeded runs. */
export function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A draw from Bin(n, p) by inversion: exact, about n·p steps, halved while (1 − p)ⁿ would underflow. */
export function binomialDraw(n: number, p: number, random: Random): number {
  if (n === 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - binomialDraw(n, 1 - p, random)
  const logNone = n * Math.log1p(-p)
  if (logNone < -600) {
    const half = n >> 1
    return binomialDraw(half, p, random) + binomialDraw(n - half, p, random)
  }
  const odds = p / (1 - p)
  let point = Math.exp(logNone)
  let left = random()
  let count = 0
  while (left >= point && count < n) {
    left -= point
    count += 1
    point *= ((n - count + 1) / count) * odds
  }
  return count
}
