import type { RiskTier, VersionSpec } from '../contracts/index.ts'
import { canonicalJson } from '../kernel/index.ts'

export interface Difference {
  readonly path: string
  /** Null where one of them says nothing. */
  readonly champion: unknown
  readonly candidate: unknown
}

/** What a candidate's spec says differently, leaf by leaf, in order of path. */
export function differencesOf(champion: VersionSpec, candidate: VersionSpec): Difference[] {
  const before = leavesOf(champion)
  const after = leavesOf(candidate)
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((path) => ({ path, champion: before.get(path) ?? null, candidate: after.get(path) ?? null }))
    .filter((leaf) => canonicalJson(leaf.champion) !== canonicalJson(leaf.candidate))
}

/** Files, weights wherever they come from, and what is laid over them or done to them. */
const SHAPES_ANSWERS =
  /^(artifact|preprocess)\.|^llama\.loras$|^vllm\.(server|command|weights|quantization|kvCacheDtype|dtype|loras)$/

/** The lowest tier that the difference allows: a change of weights cannot pass as a change of parameters. */
export function leastRiskOf(differences: readonly Difference[]): RiskTier {
  if (differences.some(({ path }) => path === 'engine')) return 'new-architecture'
  const shapesAnswers = differences.some(({ path }) => SHAPES_ANSWERS.test(path))
  return shapesAnswers ? 'same-family' : 'parameter'
}

function leavesOf(value: unknown, path = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[path, value]])
  return new Map(
    Object.entries(value).flatMap(([name, member]) =>
      member === undefined ? [] : [...leavesOf(member, path === '' ? name : `${path}.${name}`)],
    ),
  )
}
