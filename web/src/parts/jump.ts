import type { Change, ModelSummary } from '../../../src/contracts/index.ts'

export interface Target {
  readonly path: string
  readonly label: string
}

const SHOWN = 8

/** Models by name; changes by id, model or label, newest first. What starts as typed stands before what contains it. */
export function targetsFor(
  typed: string,
  models: readonly ModelSummary[],
  changes: readonly Change[],
): Target[] {
  const wanted = typed.trim().toLowerCase()
  if (wanted === '') return []
  const all = [
    ...models.map((model) => ({
      words: [model.model],
      target: { path: `/models/${model.model}`, label: model.model },
    })),
    ...changes.map((change) => ({
      words: [
        change.id,
        change.id.slice(2),
        change.proposal.model,
        change.candidate.label,
        change.champion.label,
      ],
      target: {
        path: `/changes/${change.id}`,
        label: `${change.id} · ${change.proposal.model} ${change.champion.label} → ${change.candidate.label}`,
      },
    })),
  ]
  const matching = (test: (word: string) => boolean) =>
    all.filter(({ words }) => words.some((word) => test(word.toLowerCase()))).map(({ target }) => target)
  const starting = matching((word) => word.startsWith(wanted))
  const containing = matching((word) => word.includes(wanted)).filter((target) => !starting.includes(target))
  return [...starting, ...containing].slice(0, SHOWN)
}
