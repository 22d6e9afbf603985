import type { ModelFacts } from '../../artifacts/index.ts'
import type { TensorSpec } from '../../contracts/index.ts'
import type { Judgement } from '../lab.ts'
import { accepts, contractDiff, shown } from './contract-diff.ts'
import { fileReasons } from './file-reasons.ts'
import type { CompatibilityPlan } from './plan.ts'
import type { CompatibilityRaw, FileReading, Probe } from './raw.ts'
import { judgeText } from './text-reasons.ts'

/** Pure: the same plan and readings give the same judgement, offline too. No axis is measured. */
export function analyseCompatibility(plan: CompatibilityPlan, raw: CompatibilityRaw): Judgement {
  const diff = contractDiff(plan.specs.champion.contract, plan.specs.candidate.contract)
  const text = judgeText(plan, raw)
  const reasons = [
    ...diff.breaking,
    ...fileReasons(plan, raw),
    ...probeReasons(raw.probe, plan.specs.candidate.contract.outputs),
  ]
  return {
    status: reasons.length === 0 ? 'pass' : 'fail',
    summary:
      reasons.length === 0
        ? passText(plan, raw.candidate, [...diff.compatible, ...text.notes])
        : `${reasons.join('; ')}.`,
    measurements: [],
    details: {
      reasons,
      compatibleChanges: diff.compatible,
      notes: text.notes,
      features: text.assessment?.features ?? [],
      runtime: plan.runtime,
      champion: raw.champion,
      candidate: raw.candidate,
      probe: raw.probe,
    },
  }
}

function probeReasons(probe: Probe, promised: readonly TensorSpec[]): string[] {
  if (probe.kind === 'skipped') return []
  if (probe.kind === 'failed') return [`a request pinned to the candidate failed: ${probe.reason}`]
  const reasons: string[] = []
  for (const output of promised) {
    const given = probe.outputs[output.name]
    if (given === undefined) {
      reasons.push(`the answer lacks the output "${output.name}"`)
      continue
    }
    // A row of one value may come bare or as a list of one.
    const isBare = given.shape.length === 0 && accepts(output.shape, [1])
    if (given.type !== jsonType(output) || !(isBare || accepts(output.shape, given.shape)))
      reasons.push(
        `the answer's "${output.name}" is ${shown({ dtype: given.type, shape: given.shape })}, the contract says ${shown(output)}`,
      )
  }
  return reasons
}

function jsonType({ dtype }: TensorSpec): string {
  if (dtype === 'string') return 'string'
  return dtype === 'bool' ? 'boolean' : 'number'
}

function passText(plan: CompatibilityPlan, reading: FileReading, changes: readonly string[]): string {
  const parts = [changes.length === 0 ? 'same contract' : `contract holds (${changes.join('; ')})`]
  if (reading.kind === 'onnx') parts.push(`opset ${reading.header.opsets[''] ?? '–'} runs on ${plan.runtime}`)
  if (reading.kind === 'model') parts.push(`${formOf(reading.facts)} runs on ${plan.runtime}`)
  return parts.join(', ')
}

function formOf({ format, precision, parameters }: ModelFacts): string {
  const size =
    parameters === null ? [] : [`${(parameters / 1e9).toFixed(parameters < 1e8 ? 3 : 1)} B parameters`]
  return [format, ...(precision === null ? [] : [precision.name]), ...size].join(' ')
}
