/**
 * The root of a continuous function between two points of opposite sign (Brent 1973, zero-in), to the last bits
 * of x. Throws RangeError when the ends have the same sign.
 */
export function findRoot(f: (x: number) => number, from: number, to: number): number {
  let a = from
  let b = to
  let fa = f(a)
  let fb = f(b)
  if (fa === 0) return a
  if (fb === 0) return b
  if (!(fa * fb < 0)) throw new RangeError(`no sign change between ${from} (${fa}) and ${to} (${fb})`)
  let c = a
  let fc = fa
  let step = b - a
  let before = step
  for (let i = 0; i < 500; i += 1) {
    if (Math.abs(fc) < Math.abs(fb)) {
      ;[a, b, c] = [b, c, b]
      ;[fa, fb, fc] = [fb, fc, fb]
    }
    const tolerance = 2 * Number.EPSILON * Math.abs(b) + Number.MIN_VALUE
    const half = (c - b) / 2
    if (fb === 0 || Math.abs(half) <= tolerance) return b
    const interpolated = interpolate(a, b, c, fa, fb, fc, half)
    const useful = Math.abs(before) > tolerance && Math.abs(fa) > Math.abs(fb) && interpolated !== undefined
    if (
      useful &&
      2 * Math.abs(interpolated) < Math.min(3 * Math.abs(half) - tolerance, Math.abs(before)) &&
      interpolated * half > 0
    ) {
      before = step
      step = interpolated
    } else {
      step = half
      before = half
    }
    a = b
    fa = fb
    b += Math.abs(step) > tolerance ? step : Math.sign(half) * tolerance
    fb = f(b)
    if (fb > 0 === fc > 0) {
      c = a
      fc = fa
      step = b - a
      before = step
    }
  }
  return b
}

/** The smallest whole number in [from, to] for which `holds` is true, when it stays true after; undefined when none. */
export function smallestWhole(holds: (n: number) => boolean, from: number, to: number): number | undefined {
  if (!holds(to)) return undefined
  let low = from
  let high = to
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Secant or inverse quadratic step from b; undefined when the points do not allow one. */
function interpolate(
  a: number,
  b: number,
  c: number,
  fa: number,
  fb: number,
  fc: number,
  half: number,
): number | undefined {
  const s = fb / fa
  const [p, q] =
    a === c
      ? [2 * half * s, 1 - s]
      : [
          s * (2 * half * (fa / fc) * (fa / fc - fb / fc) - (b - a) * (fb / fc - 1)),
          (fa / fc - 1) * (fb / fc - 1) * (s - 1),
        ]
  const value = -p / q
  return Number.isFinite(value) ? value : undefined
}
