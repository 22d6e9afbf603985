/** Numbers as people read them: thin units, true minus, no more digits than are known. */

export function grouped(count: number): string {
  return signed(
    count,
    Math.round(Math.abs(count))
      .toString()
      .replace(/\B(?=(\d{3})+(?!\d))/g, ','),
  )
}

/** `0.8 %`, `12 %`, `0.03 %`: three digits at most. */
export function percent(share: number): string {
  const scaled = Math.abs(share) * 100
  const digits = scaled === 0 || scaled >= 10 ? 0 : scaled >= 1 ? 1 : scaled >= 0.095 ? 1 : 2
  return `${signed(share, scaled.toFixed(digits))} %`
}

/** `25 %`, `0.5 %`: a share that is percent already and exact. */
export function sharePercent(share: number): string {
  return `${Number(share.toFixed(2))} %`
}

export function perSecond(rate: number): string {
  return rate === 0 ? '0' : rate < 10 ? rate.toFixed(1) : grouped(rate)
}

/** `0.71 ms`, `12.3 ms`, `340 ms`, `1.2 s`. */
export function milliseconds(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 100) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}

/** `850 ms`, `12 s`, `4 min`, `1 h 5 min`, `3 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48)
    return hours >= 10 || minutes % 60 === 0
      ? `${Math.round(minutes / 60)} h`
      : `${hours} h ${minutes % 60} min`
  return `${Math.round(hours / 24)} d`
}

/** For axes: `0.5 %`, `2 %`, no zeros that say nothing. */
export function tickPercent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}

/** For axes: `2 ms`, `0.5 ms`, `1 s`. */
export function tickMilliseconds(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  return words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function signed(value: number, text: string): string {
  return value < 0 && Number(text.replaceAll(',', '')) !== 0 ? `−${text}` : text
}
