import { type RefObject, useEffect, useRef, useState } from 'react'

/** Charts are drawn in real pixels, so that their text stays readable at any width; the height never depends on it. */
export function useWidth<E extends HTMLElement>(initial = 600): [RefObject<E | null>, number] {
  const element = useRef<E>(null)
  const [width, setWidth] = useState(initial)
  useEffect(() => {
    const target = element.current
    if (target === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.max(120, Math.floor(entry.contentRect.width)))
    })
    observer.observe(target)
    return () => observer.disconnect()
  }, [])
  return [element, width]
}
