/** Refusals of senseless input. Statistics of nonsense are worse than an exception: every check throws RangeError. */

export function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a count, not ${value}`)
}

export function requirePositiveCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} must be at least one, not ${value}`)
}

/** Open interval: a confidence or an error rate of exactly 0 or 1 decides nothing. */
export function requireOpenUnit(name: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new RangeError(`${name} must lie between 0 and 1, not ${value}`)
}

export function requireUnit(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must lie in [0, 1], not ${value}`)
}

export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value)))
    throw new RangeError(`${name} must be positive and finite, not ${value}`)
}

export function requireFinite(name: string, values: Iterable<number>): void {
  for (const value of values)
    if (!Number.isFinite(value)) throw new RangeError(`${name} must be finite, not ${value}`)
}

export function requireAtLeast(name: string, size: number, least: number): void {
  if (size < least) throw new RangeError(`${name} needs at least ${least} values, not ${size}`)
}
