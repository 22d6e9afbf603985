import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** Charts are drawn in real pixels, so that their text stays readable at any width; the height never depends on it. */
export function useWidth<E extends HTMLElement>(initial = 600): [RefObject<E | null>, number] {
  const element = useRef<E>(null)
  const [width, setWidth] = useState(initial)
  // Before the first paint, so that no chart is seen at a wrong width.
  useLayoutEffect(() => {
    const target = element.current
    if (target === null) return
    const measure = () => setWidth(Math.max(120, Math.floor(target.clientWidth)))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(target)
    return () => observer.disconnect()
  }, [])
  return [element, width]
}
