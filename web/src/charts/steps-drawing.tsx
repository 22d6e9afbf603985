import { grouped, sharePercent } from '../format/numbers.ts'
import type { StepState } from './looks.ts'
import { csvOf } from './scale.ts'
import { useWidth } from './use-width.ts'

const RADIUS = 12
const EDGE = 26

/** 1 ─ 5 ─ 25 ─ 50 ─ 100: what is behind, where it stands, what is ahead. */
export function StepsDrawing({ steps }: { steps: readonly StepState[] }) {
  const [element, width] = useWidth<HTMLDivElement>(380)
  const x = (index: number) =>
    steps.length === 1 ? width / 2 : EDGE + (index * (width - 2 * EDGE)) / (steps.length - 1)
  const says = steps.map((step) => `${sharePercent(step.sharePercent)} ${WORDS[step.state]}`).join(', ')
  return (
    <div ref={element} className="drawing">
      <svg width={width} height={86} viewBox={`0 0 ${width} 86`} role="img" aria-label={`Steps: ${says}`}>
        <title>{`Steps: ${says}`}</title>
        {steps.map((step, index) => (
          <g key={step.sharePercent} className={`step ${step.state}`}>
            {index > 0 && (
              <line
                className="step-way"
                x1={x(index - 1) + RADIUS + 4}
                x2={x(index) - RADIUS - 4}
                y1="18"
                y2="18"
              />
            )}
            <circle cx={x(index)} cy="18" r={RADIUS} />
            {step.state === 'now' && <path className="pie" d={slice(x(index), 18, RADIUS, step.progress)} />}
            {step.state === 'done' && <path className="mark" d={`M${x(index) - 5} 18l3.5 4 6.5-8`} />}
            {step.state === 'failed' && <path className="mark" d={`M${x(index) - 4.5} 13.5l9 9m0-9l-9 9`} />}
            <text
              x={x(index)}
              y="52"
              textAnchor="middle"
              className={step.state === 'now' || step.state === 'failed' ? 'ink' : undefined}
            >
              {sharePercent(step.sharePercent)}
            </text>
            <text x={x(index)} y="70" textAnchor="middle">
              {step.requests === null ? '' : grouped(step.requests)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  )
}

export function stepsCsv(steps: readonly StepState[]): string {
  return csvOf(
    ['share_percent', 'state', 'candidate_requests'],
    steps.map((step) => [step.sharePercent, WORDS[step.state], step.requests]),
  )
}

const WORDS = { done: 'done', now: 'running', failed: 'failed', ahead: 'ahead' }

/** A piece of cake from twelve o'clock. */
function slice(x: number, y: number, radius: number, share: number): string {
  const part = Math.min(0.999, Math.max(0, share))
  const angle = part * 2 * Math.PI
  const end = [x + radius * Math.sin(angle), y - radius * Math.cos(angle)].map((value) => value.toFixed(2))
  return `M${x} ${y}L${x} ${y - radius}A${radius} ${radius} 0 ${part > 0.5 ? 1 : 0} 1 ${end.join(' ')}Z`
}
