import { duration } from './numbers.ts'

/** `just now`, `12 s ago`, `4 min ago`; a clock that runs ahead is no reason for a negative time. */
export function ago(atMs: number, nowMs: number): string {
  const passedMs = Math.max(0, nowMs - atMs)
  return passedMs < 5000 ? 'just now' : `${duration(passedMs)} ago`
}

/** `14:06`, with seconds on request, in the reader's time zone. */
export function clockTime(atMs: number, withSeconds = false): string {
  const at = new Date(atMs)
  const parts = [at.getHours(), at.getMinutes(), ...(withSeconds ? [at.getSeconds()] : [])]
  return parts.map(twoDigits).join(':')
}

/** `2026-11-25 14:06:03 (UTC+01:00)`: sorts, and says whose clock. */
export function absolute(atMs: number): string {
  const at = new Date(atMs)
  const day = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-')
  const offset = -at.getTimezoneOffset()
  const zone = `${offset < 0 ? '−' : '+'}${twoDigits(Math.floor(Math.abs(offset) / 60))}:${twoDigits(Math.abs(offset) % 60)}`
  return `${day} ${clockTime(atMs, true)} (UTC${zone})`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
