import { type EngineId, engineOf } from '../engines.ts'
import type { Gpu } from '../gpus.ts'
import { llamaCppFeatures } from './llama-cpp.ts'
import { nodeLlamaCppFeatures } from './node-llama-cpp.ts'
import { ollamaFeatures } from './ollama.ts'
import { onnxruntimeFeatures } from './onnxruntime.ts'
import type { EngineFeature, FeatureRow } from './row.ts'
import { sglangFeatures } from './sglang.ts'
import { tensorrtLlmFeatures } from './tensorrt-llm.ts'
import { tgiFeatures } from './tgi.ts'
import { vllmFeatures } from './vllm.ts'

export const featureTable: Readonly<Record<EngineId, readonly FeatureRow[]>> = {
  vllm: vllmFeatures,
  sglang: sglangFeatures,
  tgi: tgiFeatures,
  'tensorrt-llm': tensorrtLlmFeatures,
  'llama.cpp': llamaCppFeatures,
  'node-llama-cpp': nodeLlamaCppFeatures,
  onnxruntime: onnxruntimeFeatures,
  ollama: ollamaFeatures,
}

export interface FeatureAnswer {
  readonly feature: EngineFeature
  readonly engine: string
  /** null: the newest that the table knows. */
  readonly version: string | null
  readonly answer: 'supported' | 'supported-from' | 'not-supported' | 'unknown'
  /** With `supported-from`: upgrade to this or newer. */
  readonly from: string | null
  /** The line that says so, or why nobody knows. */
  readonly line: string
  readonly source: string | null
  readonly readAt: string | null
}

/**
 * Can this version of this engine do this, on this GPU where one is named? What no page was seen to say is `unknown`,
 * never a guess: a version below the oldest page that says so is unknown too, unless that page is the one that brought it.
 */
export function featureAnswer(
  engine: string,
  version: string | null,
  feature: EngineFeature,
  gpu?: Pick<Gpu, 'name' | 'vendor' | 'computeCapability'>,
): FeatureAnswer {
  const known = engineOf(engine)
  const base = { feature, engine, version, from: null }
  const rows = (known === undefined ? [] : featureTable[known]).filter((row) => row.feature === feature)
  if (known === undefined)
    return {
      ...base,
      answer: 'unknown',
      line: `no engine "${engine}" is in the table`,
      source: null,
      readAt: null,
    }
  const row = rowFor(rows, version)
  if (row === undefined)
    return { ...base, answer: 'unknown', line: 'the table has no line on it', source: null, readAt: null }
  const said = { line: row.line, source: row.source, readAt: row.readAt }
  if (version !== null && compareVersions(version, row.from) < 0) {
    if (row.isFirst && row.status === 'supported')
      return { ...base, answer: 'supported-from', ...said, from: row.from }
    return {
      ...base,
      answer: 'unknown',
      ...said,
      line: `said of ${row.from} and newer; older versions were not looked at`,
    }
  }
  if (row.status === 'not-supported') {
    const later = rows.find(
      (one) => one.status === 'supported' && row.until !== null && compareVersions(one.from, row.until) >= 0,
    )
    return later === undefined
      ? { ...base, answer: 'not-supported', ...said }
      : { ...base, answer: 'supported-from', ...said, from: later.from }
  }
  const fault = gpu === undefined ? null : gpuFault(row, gpu)
  return fault === null
    ? { ...base, answer: 'supported', ...said }
    : { ...base, answer: 'not-supported', ...said, line: `${fault}: ${row.line}` }
}

/** The row that holds for a version, the newest one where none is named. */
function rowFor(rows: readonly FeatureRow[], version: string | null): FeatureRow | undefined {
  const newest = rows.toSorted((left, right) => compareVersions(right.from, left.from))
  if (version === null) return newest[0]
  return (
    newest.find(
      (row) =>
        compareVersions(version, row.from) >= 0 &&
        (row.until === null || compareVersions(version, row.until) < 0),
    ) ?? newest.at(-1)
  )
}

function gpuFault(row: FeatureRow, gpu: Pick<Gpu, 'name' | 'vendor' | 'computeCapability'>): string | null {
  if (gpu.vendor === 'amd') return row.onAmd === false ? `not on ${gpu.name}` : null
  if (row.leastCapability === null || gpu.computeCapability === null) return null
  return compareVersions(gpu.computeCapability, row.leastCapability) < 0
    ? `needs compute capability ${row.leastCapability}, ${gpu.name} has ${gpu.computeCapability}`
    : null
}

/** By their numbers from left to right: 0.10.0 is newer than 0.9.2, b7900 newer than b6413. */
export function compareVersions(left: string, right: string): number {
  const numbers = (version: string) => (version.match(/\d+/g) ?? []).map(Number)
  const [ours, theirs] = [numbers(left), numbers(right)]
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const difference = (ours[index] ?? 0) - (theirs[index] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}
