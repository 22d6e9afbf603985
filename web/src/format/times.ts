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

const DAY_MS = 86_400_000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** For axes over a span: `14:06`, over more than a day `25 Nov 14:06`, over more than a week `25 Nov`. */
export function dayTime(atMs: number, spanMs: number): string {
  if (spanMs <= DAY_MS) return clockTime(atMs, spanMs < 180_000)
  return spanMs > 7 * DAY_MS ? dayOf(atMs) : `${dayOf(atMs)} ${clockTime(atMs)}`
}

function dayOf(atMs: number): string {
  const at = new Date(atMs)
  return `${at.getDate()} ${MONTHS[at.getMonth()]}`
}

/** `25 Nov 14:06:03`: a moment in a list that may span days. */
export function momentTime(atMs: number): string {
  return `${dayOf(atMs)} ${clockTime(atMs, true)}`
}

/** As a field of type `datetime-local` holds it: the reader's zone, not named. */
export function fieldTime(atMs: number): string {
  const at = new Date(atMs)
  const day = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-')
  return `${day}T${clockTime(atMs, true)}`
}

/** Undefined while the field is empty or not whole. A second is asked for as its end: it holds what was written in it. */
export function timeOfField(text: string): number | undefined {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at + 999
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
