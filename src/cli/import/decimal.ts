/**
 * Dollars a token as dollars a million tokens, in decimal text: `1.5e-7` → `0.15`. Undefined for what is no price or
 * cannot be written with nine digits before the point and twelve behind it.
 */
export function perMillion(perToken: unknown): string | undefined {
  const value = typeof perToken === 'string' ? Number(perToken) : perToken
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined
  // The shortest text of a double is what was meant; shifting its point is exact, multiplying is not.
  const parts = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential())
  if (parts === null) return undefined
  const digits = `${parts[1]}${parts[2] ?? ''}`
  const point = 1 + Number(parts[3]) + 6
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const rest = point > 0 ? digits.slice(point) : `${'0'.repeat(-point)}${digits}`
  if (value === 0) return '0'
  const fraction = rest.replace(/0+$/, '')
  if (whole.length > 9 || fraction.length > 12) return undefined
  return fraction === '' ? whole : `${whole}.${fraction}`
}
