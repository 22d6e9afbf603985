import { contractFaults } from './onnx-contract.ts'
import { supportFaults } from './onnx-support.ts'
import type { CompatibilityPlan } from './plan.ts'
import type { CompatibilityRaw, FileReading } from './raw.ts'
import { judgeText } from './text-reasons.ts'

/** Reasons that need no request: whoever measures skips the probe when there are some. */
export function fileReasons(plan: CompatibilityPlan, raw: Omit<CompatibilityRaw, 'probe'>): string[] {
  return plan.specs.candidate.engine === 'onnx'
    ? onnxReasons(plan, raw.candidate)
    : judgeText(plan, raw).reasons
}

function onnxReasons(plan: CompatibilityPlan, reading: FileReading): string[] {
  if (reading.kind === 'none') return ['the candidate names no file, and its engine needs one']
  if (reading.kind === 'unreadable') return [`the file cannot be read as ONNX: ${reading.reason}`]
  if (reading.kind === 'model') return [`the file is ${reading.facts.format}, and the engine onnx runs ONNX`]
  const { preprocess, ...rest } = plan.specs.candidate
  return [
    ...supportFaults(reading.header),
    ...contractFaults(reading.header, preprocess === undefined ? rest : { ...rest, preprocess }),
  ]
}
