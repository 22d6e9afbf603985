import { useEffect } from 'react'

/** `g` and a letter within this time goes to a page. */
const SEQUENCE_MS = 1000

export const PLACES = [
  { key: 'h', path: '/', name: 'Home' },
  { key: 'm', path: '/models', name: 'Models' },
  { key: 'c', path: '/changes', name: 'Changes' },
  { key: 'i', path: '/incidents', name: 'Incidents' },
] as const

export type Shortcut = { do: 'search' } | { do: 'help' } | { do: 'go'; path: string }

/** What a key does after the one before it; undefined: nothing of ours. */
export function shortcutOf(key: string, previous: { key: string; atMs: number } | undefined, nowMs: number) {
  if (previous?.key === 'g' && nowMs - previous.atMs <= SEQUENCE_MS) {
    const place = PLACES.find((one) => one.key === key)
    if (place !== undefined) return { do: 'go', path: place.path } satisfies Shortcut
  }
  if (key === '/') return { do: 'search' } satisfies Shortcut
  if (key === '?') return { do: 'help' } satisfies Shortcut
  return undefined
}

export function useShortcuts(act: (shortcut: Shortcut) => void): void {
  useEffect(() => {
    let previous: { key: string; atMs: number } | undefined
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const shortcut = shortcutOf(event.key, previous, performance.now())
      previous = { key: event.key, atMs: performance.now() }
      if (shortcut === undefined) return
      event.preventDefault()
      act(shortcut)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [act])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || isInDialog(target))
  )
}

/** One that was just closed still has the focus for a moment, and swallows nothing. */
function isInDialog(target: HTMLElement): boolean {
  return target.closest('dialog[open]') !== null
}
