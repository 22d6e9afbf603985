import { type KeyboardEvent, type PointerEvent, useRef } from 'react'
import type { TrafficShares } from '../../../../src/contracts/index.ts'
import { sharePercent } from '../../format/numbers.ts'
import { shifted, splitWords } from './split-draft.ts'

interface SplitBarProps {
  readonly shares: TrafficShares
  /** From left to right. */
  readonly versions: readonly string[]
  readonly colourOf: (version: string) => number
  /** Left out: the bar only shows. */
  readonly onDraft?: ((shares: TrafficShares) => void) | undefined
  /** Enter, where the handles are. */
  readonly onAsk?: () => void
  /** Escape. */
  readonly onUndo?: () => void
}

/** Who answers how much, as one bar; between two versions stands a handle that moves traffic from one to the other. */
export function SplitBar(props: SplitBarProps) {
  const { shares, versions, colourOf, onDraft } = props
  const bar = useRef<HTMLDivElement>(null)
  if (onDraft === undefined)
    return (
      <div className="split" role="img" aria-label={splitWords(shares)}>
        {versions.map((version) => (
          <Part key={version} version={version} share={shares[version] ?? 0} colour={colourOf(version)} />
        ))}
      </div>
    )
  return (
    <div className="split moves" ref={bar}>
      {versions.map((version, index) => {
        const next = versions[index + 1]
        return [
          <Part
            key={version}
            version={version}
            share={shares[version] ?? 0}
            colour={colourOf(version)}
            isEditable
          />,
          next !== undefined && (
            <Handle
              key={`${version} ${next}`}
              {...props}
              pair={[version, next]}
              onDraft={onDraft}
              widthPx={() => bar.current?.clientWidth ?? 1}
            />
          ),
        ]
      })}
    </div>
  )
}

interface PartProps {
  readonly version: string
  readonly share: number
  readonly colour: number
  /** Also a version without traffic is there then, to be given some. */
  readonly isEditable?: boolean
}

function Part({ version, share, colour, isEditable = false }: PartProps) {
  return (
    <div
      className={`split-part fill-${colour} ${share === 0 ? 'none' : ''}`}
      style={{ flexGrow: share }}
      title={`${version} ${sharePercent(share)}`}
    >
      {(share >= 8 || isEditable) && `${version} ${sharePercent(share)}`}
    </div>
  )
}

interface HandleProps extends SplitBarProps {
  readonly pair: readonly [string, string]
  readonly onDraft: (shares: TrafficShares) => void
  readonly widthPx: () => number
}

function Handle({ shares, pair, onDraft, onAsk, onUndo, widthPx }: HandleProps) {
  const [left, right] = pair
  const from = useRef<{ x: number; shares: TrafficShares }>(undefined)
  const move = (byPercent: number) => onDraft(shifted(shares, pair, byPercent))
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.shiftKey ? 10 : 1
    if (event.key === 'ArrowLeft' || event.key === 'ArrowDown') move(-step)
    else if (event.key === 'ArrowRight' || event.key === 'ArrowUp') move(step)
    else if (event.key === 'PageDown') move(-10)
    else if (event.key === 'PageUp') move(10)
    else if (event.key === 'Home') move(-100)
    else if (event.key === 'End') move(100)
    else if (event.key === 'Enter') onAsk?.()
    else if (event.key === 'Escape') onUndo?.()
    else return
    event.preventDefault()
  }
  const onPointerDown = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId)
    from.current = { x: event.clientX, shares }
  }
  const onPointerMove = (event: PointerEvent) => {
    if (from.current === undefined) return
    // Whole percents: nobody points finer than that. The keys of the command line do.
    const by = Math.round(((event.clientX - from.current.x) / widthPx()) * 100)
    onDraft(shifted(from.current.shares, pair, by))
  }
  const onPointerUp = () => {
    from.current = undefined
  }
  const shareOf = (version: string) => shares[version] ?? 0
  return (
    <div
      className="split-handle"
      role="slider"
      tabIndex={0}
      aria-label={`Traffic between ${left} and ${right}`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={shareOf(left) + shareOf(right)}
      aria-valuenow={shareOf(left)}
      aria-valuetext={`${left} ${sharePercent(shareOf(left))}, ${right} ${sharePercent(shareOf(right))}`}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
    />
  )
}
