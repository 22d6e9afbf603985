import type { ReactNode } from 'react'
import { ChartMenu } from '../parts/chart-menu.tsx'

interface FigureProps {
  /** Asks the question that the drawing answers. */
  readonly title: string
  readonly sub?: ReactNode
  readonly csv: () => string
  readonly children: ReactNode
}

export function Figure({ title, sub, csv, children }: FigureProps) {
  return (
    <figure className="chart">
      <figcaption>
        <div className="chart-head">
          <h3>{title}</h3>
          <ChartMenu of={title} csv={csv} />
        </div>
        {sub !== undefined && <p className="sub">{sub}</p>}
      </figcaption>
      {children}
    </figure>
  )
}

/** Which line is which, by drawn samples: colour, width and dash, so that colour is never alone. */
export function Legend({ items }: { items: readonly { className: string; label: ReactNode }[] }) {
  return (
    <ul className="legend">
      {items.map(({ className, label }) => (
        <li key={className}>
          <svg width="22" height="10" aria-hidden="true">
            <line x1="1" x2="21" y1="5" y2="5" className={className} />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  )
}
