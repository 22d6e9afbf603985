import { requireCount, requirePositiveCount } from './check.ts'

/** Chance that at least one of `k` answers passes, from `c` passes in `n` answers; unbiased (Chen et al. 2021). */
export function passAtK(n: number, c: number, k: number): number {
  requireCount('c', c)
  if (c > n) throw new RangeError(`${c} passes cannot come from ${n} answers`)
  return 1 - without(n, n - c, k)
}

/** Chance that all of `k` answers pass (pass^k), from `c` passes in `n` answers; unbiased (Yao et al. 2024). */
export function passHatK(n: number, c: number, k: number): number {
  return without(n, c, k)
}

/** C(some, k)/C(n, k): all k drawn without replacement from n lie among `some`. */
function without(n: number, some: number, k: number): number {
  requirePositiveCount('n', n)
  requireCount('c', some)
  requirePositiveCount('k', k)
  if (some > n) throw new RangeError(`${some} passes cannot come from ${n} answers`)
  if (k > n) throw new RangeError(`k = ${k} answers cannot be drawn from ${n}`)
  let chance = 1
  for (let i = 0; i < k; i += 1) chance *= Math.max(0, some - i) / (n - i)
  return chance
}
