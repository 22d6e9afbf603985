import { type ReactNode, useEffect, useId, useState } from 'react'
import { ProblemError } from '../../../src/sdk/index.ts'
import { Command } from './copy-button.tsx'

interface PanelProps {
  readonly title: string
  readonly sub?: ReactNode
  /** To the right of the title. */
  readonly aside?: ReactNode
  readonly children: ReactNode
}

export function Panel({ title, sub, aside, children }: PanelProps) {
  const id = useId()
  return (
    <section className="panel" aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {sub !== undefined && <p className="sub">{sub}</p>}
      {children}
    </section>
  )
}

/** What to type next, where there is nothing to show yet. */
export function Empty({ says, command }: { says: ReactNode; command?: string }) {
  return (
    <div className="empty">
      <p className="mute">{says}</p>
      {command !== undefined && <Command>{command}</Command>}
    </div>
  )
}

/** What happened and what to do, in the words of the API. */
export function Failure({ error }: { error: unknown }) {
  const problem = error instanceof ProblemError ? error.problem : undefined
  return (
    <div className="notice" role="alert">
      <p className="strong">{problem?.detail ?? (error as Error).message}</p>
      {problem?.hint !== undefined && <p>{problem.hint}</p>}
      {problem?.requestId !== undefined && <p className="mute">request {problem.requestId}</p>}
    </div>
  )
}

/** Nothing for 300 ms, so that a fast answer does not flash; then a word. */
export function Waiting({ what }: { what: string }) {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300)
    return () => clearTimeout(timer)
  }, [])
  return <p className="mute">{isLate ? `Reading ${what}…` : '\u00a0'}</p>
}
