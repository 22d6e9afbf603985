import { type KeyboardEvent, type PointerEvent, type ReactNode, useId, useState } from 'react'
import { nearestIndex } from './scale.ts'
import { useWidth } from './use-width.ts'

export interface Box {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

interface PlotProps {
  readonly title: string
  /** Said instead of the drawing. */
  readonly description: string
  readonly height: number
  readonly inset: {
    readonly left: number
    readonly right: number
    readonly top: number
    readonly bottom: number
  }
  /** Where values can be read, given the box; empty: nothing to read. */
  readonly positions: (box: Box) => readonly number[]
  /** The values at a position; undefined stands for the newest. */
  readonly reading: (index: number | undefined) => ReactNode
  readonly readingText: (index: number | undefined) => string
  /** A click, or Enter, at a position. */
  readonly onChoose?: (index: number) => void
  readonly children: (box: Box, cursor: number | undefined) => ReactNode
}

/**
 * A drawing that can be read value by value with pointer or arrow keys. The reading has its own line below, so nothing
 * covers the drawing, nothing moves, and it prints. To assistive technology it is a slider over the values.
 */
export function Plot(props: PlotProps) {
  const [element, width] = useWidth<HTMLDivElement>()
  const [cursor, setCursor] = useState<number>()
  const id = useId()
  const { inset, height } = props
  const box: Box = {
    width,
    height,
    left: inset.left,
    right: width - inset.right,
    top: inset.top,
    bottom: height - inset.bottom,
  }
  const positions = props.positions(box)
  const last = positions.length - 1
  const index = cursor === undefined ? undefined : Math.min(cursor, last)
  const onKeyDown = (event: KeyboardEvent) => {
    const now = index ?? last
    const step = event.shiftKey ? 10 : 1
    if (event.key === 'ArrowLeft') setCursor(Math.max(0, now - step))
    else if (event.key === 'ArrowRight') setCursor(Math.min(last, now + step))
    else if (event.key === 'Home') setCursor(0)
    else if (event.key === 'End') setCursor(last)
    else if (event.key === 'Enter' && props.onChoose !== undefined) props.onChoose(now)
    else return
    event.preventDefault()
  }
  const onPointerMove = (event: PointerEvent) => {
    if (last < 0) return
    const { left } = event.currentTarget.getBoundingClientRect()
    setCursor(nearestIndex(positions, event.clientX - left))
  }
  return (
    <>
      <div
        ref={element}
        role="slider"
        tabIndex={0}
        aria-label={props.title}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={index ?? Math.max(0, last)}
        aria-valuetext={props.readingText(index)}
        aria-describedby={`${id}-desc`}
        onKeyDown={onKeyDown}
        className={props.onChoose === undefined ? 'plot' : 'plot chooses'}
        onPointerMove={onPointerMove}
        onClick={() => index !== undefined && props.onChoose?.(index)}
        onPointerLeave={() => setCursor(undefined)}
        onBlur={() => setCursor(undefined)}
      >
        <svg
          width={width}
          height={height}
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-labelledby={`${id}-title ${id}-desc`}
        >
          <title id={`${id}-title`}>{props.title}</title>
          <desc id={`${id}-desc`}>{props.description}</desc>
          {props.children(box, index)}
          {index !== undefined && positions[index] !== undefined && (
            <line
              className="cursor"
              x1={positions[index]}
              x2={positions[index]}
              y1={box.top}
              y2={box.bottom}
            />
          )}
        </svg>
      </div>
      <span className="reading">{props.reading(index)}</span>
    </>
  )
}

interface AxisProps {
  readonly box: Box
  readonly ticks: readonly { readonly at: number; readonly label: string }[]
}

export function LeftAxis({ box, ticks }: AxisProps) {
  return (
    <g>
      {ticks.map(({ at, label }) => (
        <g key={label}>
          <line className="gridline" x1={box.left} x2={box.right} y1={at} y2={at} />
          <text x={box.left - 8} y={at + 4} textAnchor="end">
            {label}
          </text>
        </g>
      ))}
    </g>
  )
}

/** Labels that would touch their left neighbour are left out. */
export function BottomAxis({ box, ticks, least = 46 }: AxisProps & { least?: number }) {
  let free = Number.NEGATIVE_INFINITY
  const shown = ticks.filter(({ at }) => {
    if (at < free) return false
    free = at + least
    return true
  })
  return (
    <g>
      {shown.map(({ at, label }) => (
        <text key={label} x={at} y={box.bottom + 18} textAnchor="middle">
          {label}
        </text>
      ))}
    </g>
  )
}
