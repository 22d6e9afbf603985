import type { ProbeSpec } from './battery.ts'
import type { Facts } from './facts-of.ts'

/** Answers of one target to one probe, repeated; `null`: it could not be asked, with the reason. */
export interface Observation {
  readonly probe: string
  readonly before: readonly (Facts | null)[]
  readonly after: readonly (Facts | null)[]
  /** Why an answer says nothing, of either side. */
  readonly silence: string | null
}

export type Effect = 'breaking' | 'compatible' | 'unknown'

export interface ContractRow {
  readonly probe: string
  readonly aspect: string
  /** null: it is not there. */
  readonly before: string | null
  readonly after: string | null
  readonly effect: Effect
  /** The client that it concerns. */
  readonly hurts: string
}

/**
 * What differs between two targets, by the client that it hurts. Pure. What already differs between repetitions of one
 * target is never called breaking: it is no contract there.
 */
export function contractRows(
  probes: readonly ProbeSpec[],
  observations: readonly Observation[],
): ContractRow[] {
  return observations.flatMap((observation) => {
    const probe = probes.find(({ id }) => id === observation.probe)
    if (probe === undefined) return []
    return rowsOf(probe, observation)
  })
}

function rowsOf(probe: ProbeSpec, { before, after, silence }: Observation): ContractRow[] {
  const [old, now] = [before.filter((one) => one !== null), after.filter((one) => one !== null)]
  const row = rowFor(probe)
  // One side that is silent leaves nothing to compare, whatever the other said.
  if (old.length === 0 || now.length === 0)
    return [row('answer', null, silence ?? 'no answer', 'unknown', `clients that ${probe.usedBy}`)]
  const status = compared('status', old, now)
  const [was, is] = [old[0]!.status!, now[0]!.status!]
  if (status !== 'same') {
    // The rest of an answer and of a refusal are not alike, and the status says it all.
    const effect = status === 'varies' ? 'unknown' : effectOfStatus(was, is)
    return [row('status', was, is, effect, hurtByStatus(probe, was, is))]
  }
  const aspects = new Set([...old, ...now].flatMap((facts) => Object.keys(facts)))
  return [...aspects].toSorted().flatMap((aspect) => {
    if (aspect === SEEDED) return seededRows(probe, old, now)
    const found = compared(aspect, old, now)
    if (found === 'same') return []
    const [had, has] = [shownValue(aspect, old), shownValue(aspect, now)]
    const effect = found === 'varies' ? 'unknown' : effectOf(probe, aspect, had, has)
    return [row(aspect, had, has, effect, hurtBy(probe, aspect))]
  })
}

function rowFor({ id }: ProbeSpec) {
  return (
    aspect: string,
    before: string | null,
    after: string | null,
    effect: Effect,
    hurts: string,
  ): ContractRow => ({ probe: id, aspect, before, after, effect, hurts })
}

/** `varies`: one target alone gives several values, and not the same ones as the other. */
function compared(
  aspect: string,
  old: readonly Facts[],
  now: readonly Facts[],
): 'same' | 'differs' | 'varies' {
  const [before, after] = [setOf(aspect, old), setOf(aspect, now)]
  if (before.size === 1 && after.size === 1) return [...before][0] === [...after][0] ? 'same' : 'differs'
  return [...before].some((value) => after.has(value)) ? 'same' : 'varies'
}

function setOf(aspect: string, facts: readonly Facts[]): Set<string | null> {
  return new Set(facts.map((one) => one[aspect] ?? null))
}

function shownValue(aspect: string, facts: readonly Facts[]): string | null {
  const values = [...setOf(aspect, facts)]
  return values.length === 1 ? values[0]! : values.map((value) => value ?? 'nothing').join(' or ')
}

function effectOfStatus(before: string, after: string): Effect {
  if (isGood(before) !== isGood(after)) return isGood(after) ? 'compatible' : 'breaking'
  return 'breaking'
}

function hurtByStatus(probe: ProbeSpec, before: string, after: string): string {
  return isGood(before) || isGood(after)
    ? `clients that ${probe.usedBy}`
    : `clients that tell errors by status`
}

function isGood(status: string): boolean {
  return status.startsWith('2')
}

function effectOf(probe: ProbeSpec, aspect: string, before: string | null, after: string | null): Effect {
  if (before === null) return 'compatible'
  if (after === null) return 'breaking'
  if (after === 'kept') return 'compatible'
  if (aspect.startsWith('field ') || aspect.startsWith('event field ')) {
    const types = new Set(before.split('|'))
    return after.split('|').every((type) => types.has(type)) ? 'compatible' : 'breaking'
  }
  if (aspect === 'stream order') return 'unknown'
  if (aspect === 'finish reason') return effectOfFinish(probe, before, after)
  return 'breaking'
}

/** Where the probe forces the reason, another one is a break; else a model may simply say more or less. */
function effectOfFinish({ expects }: ProbeSpec, before: string, after: string): Effect {
  if (!KNOWN_REASONS.has(after)) return KNOWN_REASONS.has(before) ? 'breaking' : 'unknown'
  return expects.kind === 'tools' || expects.kind === 'limit' ? 'breaking' : 'unknown'
}

function seededRows(probe: ProbeSpec, old: readonly Facts[], now: readonly Facts[]): ContractRow[] {
  if (old.length < 2 || now.length < 2) return []
  const [did, does] = [old, now].map((facts) => setOf(SEEDED, facts).size === 1)
  if (did === does) return []
  const [before, after] = [did, does].map((same) => (same ? 'repeats' : 'differs'))
  return [
    rowFor(probe)(SEEDED, before!, after!, does ? 'compatible' : 'breaking', `clients that ${probe.usedBy}`),
  ]
}

function hurtBy(probe: ProbeSpec, aspect: string): string {
  const field = /^(?:event )?field (.+)$/.exec(aspect)?.[1]
  if (field !== undefined) return `clients that ${probe.usedBy} and read ${field}`
  if (aspect.startsWith('header ')) return `clients that read the ${aspect}`
  if (aspect.startsWith('error ')) return `clients that tell errors by ${aspect}`
  return `clients that ${probe.usedBy}`
}

const SEEDED = 'seeded answer'
/** OpenAI API reference, chat completions. */
const KNOWN_REASONS = new Set(['stop', 'length', 'tool_calls', 'content_filter', 'function_call'])
