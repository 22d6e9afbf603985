import { useNow } from '../data/use-query.ts'
import { absolute, ago, clockTime } from '../format/times.ts'

/** "4 min ago", the exact time on hover. */
export function Ago({ at }: { at: number }) {
  const now = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at)}>
      {ago(at, now)}
    </time>
  )
}

/** "14:06", the date and zone on hover. */
export function At({ at, withSeconds = false }: { at: number; withSeconds?: boolean }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at)}>
      {clockTime(at, withSeconds)}
    </time>
  )
}
