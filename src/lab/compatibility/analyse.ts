import type { TensorSpec } from '../../contracts/index.ts'
import type { Judgement } from '../lab.ts'
import { accepts, contractDiff, shown } from './contract-diff.ts'
import { contractFaults } from './onnx-contract.ts'
import { onnxSupport, supportFaults } from './onnx-support.ts'
import type { CompatibilityPlan } from './plan.ts'
import type { CompatibilityRaw, FileReading, Probe } from './raw.ts'

/** Pure: the same plan and readings give the same judgement, offline too. No axis is measured. */
export function analyseCompatibility(plan: CompatibilityPlan, raw: CompatibilityRaw): Judgement {
  const diff = contractDiff(plan.specs.champion.contract, plan.specs.candidate.contract)
  const reasons = [
    ...diff.breaking,
    ...fileReasons(plan, raw.candidate),
    ...probeReasons(raw.probe, plan.specs.candidate.contract.outputs),
  ]
  return {
    status: reasons.length === 0 ? 'pass' : 'fail',
    summary: reasons.length === 0 ? passText(raw.candidate, diff.compatible) : `${reasons.join('; ')}.`,
    measurements: [],
    details: {
      reasons,
      compatibleChanges: diff.compatible,
      runtime: plan.runtime,
      champion: raw.champion,
      candidate: raw.candidate,
      probe: raw.probe,
    },
  }
}

/** Reasons that need no request: whoever measures skips the probe when there are some. */
export function fileReasons(plan: CompatibilityPlan, reading: FileReading): string[] {
  const spec = plan.specs.candidate
  if (spec.engine === 'echo') return []
  if (reading.kind === 'none') return ['the candidate names no file, and its engine needs one']
  if (reading.kind === 'unreadable') return [`the file cannot be read as ONNX: ${reading.reason}`]
  const { preprocess, ...rest } = spec
  return [
    ...supportFaults(reading.header),
    ...contractFaults(reading.header, preprocess === undefined ? rest : { ...rest, preprocess }),
  ]
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

function passText(reading: FileReading, compatible: readonly string[]): string {
  const parts = [compatible.length === 0 ? 'same contract' : `contract holds (${compatible.join(', ')})`]
  if (reading.kind === 'onnx')
    parts.push(`opset ${reading.header.opsets[''] ?? '–'} runs on ${onnxSupport.runtime}`)
  return parts.join(', ')
}
