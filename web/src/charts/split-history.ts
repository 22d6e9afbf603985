import type { Traffic } from '../../../src/contracts/index.ts'
import { csvOf } from './scale.ts'

/** A split and how long it held. */
export interface HeldSplit {
  readonly split: Traffic
  readonly from: number
  readonly to: number
}

/** What held between two times, oldest first; the newest split holds until now. `history` is newest first. */
export function heldBetween(history: readonly Traffic[], fromMs: number, toMs: number): HeldSplit[] {
  return history
    .map((split, index) => ({
      split,
      from: Math.max(fromMs, split.updatedAt),
      to: Math.min(toMs, history[index - 1]?.updatedAt ?? toMs),
    }))
    .filter(({ from, to }) => to > from)
    .reverse()
}

/** The shortest of the spans that shows a change of the split, so that the first look shows something. */
export function tellingSpan(history: readonly Traffic[], nowMs: number, spansMs: readonly number[]): number {
  const telling = spansMs.find((span) => heldBetween(history, nowMs - span, nowMs).length >= 3)
  return telling ?? spansMs.at(-1)!
}

export function historyCsv(history: readonly Traffic[]): string {
  return csvOf(
    ['revision', 'at', 'version', 'percent', 'reason'],
    history.flatMap(({ revision, updatedAt, shares, reason }) =>
      Object.entries(shares).map(([version, percent]) => [
        revision,
        new Date(updatedAt).toISOString(),
        version,
        percent,
        reason,
      ]),
    ),
  )
}
