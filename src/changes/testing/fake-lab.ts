import type { Axis, CheckName, Measurement } from '../../contracts/index.ts'
import { type Judgement, type Lab, makeEvidence } from '../../lab/index.ts'
import { verdictOf } from '../../stats/index.ts'

/** What the candidate truly does, by check: the gain of each block, and what may go wrong. */
export interface LabScript {
  readonly gains: Partial<Record<CheckName, readonly number[]>>
  readonly impossible?: Partial<Record<CheckName, string>>
  /** Runs of a check that break off before they succeed. */
  readonly breaks?: Partial<Record<CheckName, number>>
  /** Runs of a check that come out invalid before one does not. */
  readonly invalid?: Partial<Record<CheckName, number>>
  /** A check that never ends and does not listen. */
  readonly deaf?: CheckName
}

export const GOOD: LabScript = {
  gains: {
    compatibility: [1],
    accuracy: [0.13, 0.14, 0.15],
    stability: [0.001, -0.001, 0],
    latency: [0.01, -0.01, 0.005],
    cost: [0.02, -0.01, 0.01],
  },
}

const AXES: Record<CheckName, Axis | null> = {
  compatibility: null,
  accuracy: 'accuracy',
  stability: 'stability',
  latency: 'latency',
  cost: 'cost',
}
const MARGINS: Record<CheckName, number> = {
  compatibility: 0,
  accuracy: 0.01,
  stability: 0.01,
  latency: 0.1,
  cost: 0.05,
}

/** Measures by reading the script, judges like the real one: raw blocks in, a judgement out, nothing else. */
export function fakeLab(
  script: LabScript,
): Lab & { readonly measured: string[]; readonly runs: CheckName[] } {
  const measured: string[] = []
  const runs: CheckName[] = []
  const countOf = (check: CheckName) => runs.filter((run) => run === check).length
  return {
    measured,
    runs,
    plan: async (check, context) => ({
      check,
      plan: { check, seed: context.seed, blocks: script.gains[check]?.length ?? 0, margin: MARGINS[check] },
      expectedMs: 10,
      says: [`${check} is measured in ${script.gains[check]?.length} blocks`],
      impossible: script.impossible?.[check] === undefined ? [] : [script.impossible[check]],
    }),
    run: async (check, context, plan, run) => {
      runs.push(check)
      if (script.deaf === check) await new Promise(() => undefined)
      if (countOf(check) <= (script.breaks?.[check] ?? 0)) throw new Error('the gateway went away')
      const finished = await run.blocks.finished()
      const gains: unknown[] = []
      for (const [index, gain] of (script.gains[check] ?? []).entries()) {
        run.signal.throwIfAborted()
        if (!finished.has(index)) {
          measured.push(`${check} ${index}`)
          await run.blocks.put(index, { gain })
        }
        gains.push(gain)
        run.onProgress({ done: index + 1, total: script.gains[check]?.length ?? 0, unit: 'blocks', etaMs: 0 })
      }
      const isInvalid = countOf(check) <= (script.invalid?.[check] ?? 0)
      const raw = { gains, isInvalid }
      return makeEvidence(context, plan, raw, fakeJudge(check, plan.plan, raw), {
        startedAt: NOW(),
        finishedAt: NOW(),
      })
    },
  }
}

/** Evidence of tests is as old as the test clock's year, whatever today is. */
const NOW = () => 1_700_000_100_000

export function fakeJudge(
  check: CheckName,
  plan: Record<string, unknown>,
  raw: Record<string, unknown>,
): Judgement {
  const gains = raw.gains as number[]
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  const half = Math.max(0.001, (Math.max(...gains) - Math.min(...gains)) / 2)
  const axis = AXES[check]
  if (axis === null) {
    const fits = (gains[0] ?? 0) > 0
    return {
      status: fits ? 'pass' : 'fail',
      summary: fits ? 'same contract' : 'the output "label" is gone',
      measurements: [],
      details: {},
    }
  }
  const isRatio = check === 'latency' || check === 'cost'
  const better = isRatio ? 'lower' : 'higher'
  const sign = isRatio ? -1 : 1
  const interval = { estimate: sign * mean, lower: sign * mean - half, upper: sign * mean + half }
  const margin = plan.margin as number
  const verdict = verdictOf({ ...interval, margin, betterIs: better })
  const measurement: Measurement = {
    axis,
    measure: `${check} measure`,
    unit: isRatio ? 'ratio' : 'pp',
    better,
    ...interval,
    confidence: 0.95,
    margin,
    verdict,
    from: `${gains.length} blocks`,
    needs: verdict === 'inconclusive' ? 'about 40 more blocks' : null,
  }
  const status = {
    inferior: 'fail',
    inconclusive: 'inconclusive',
    superior: 'pass',
    'non-inferior': 'pass',
  } as const
  return {
    status: raw.isInvalid === true ? 'invalid' : status[verdict],
    summary: raw.isInvalid === true ? 'the load client fell behind' : `${check} ${verdict}`,
    measurements: [measurement],
    details: { blocks: gains.length },
  }
}
