import type { Asides } from '../text/parts.ts'

/** What a rule found in a text. */
export interface Finding {
  readonly from: number
  readonly to: number
  /** What it is, never what it says: `email`, `credit-card`. */
  readonly label: string
}

/** Finds places in a text at once. Pure, linear in the text, and never finds more than `maxMatch` characters at a time. */
export interface SpanRule {
  readonly kind: 'spans'
  readonly maxMatch: number
  find(text: string): Finding[]
}

/** Judges a text as a whole, here or by asking somebody. */
export interface JudgingRule {
  readonly kind: 'judgement'
  judge(asked: Judged, signal: AbortSignal): Judgement | Promise<Judgement>
}

export interface Judged {
  readonly checkpoint: string
  readonly text: string
  /** Hears of a model that is asked for it. */
  readonly asides?: Asides | undefined
}

/** `text` instead of what was judged, where a hook redacts. */
export type Judgement =
  | { readonly verdict: 'pass' }
  | { readonly verdict: 'block'; readonly reason: string }
  | { readonly verdict: 'redact'; readonly text: string; readonly reason: string }

export type Rule = SpanRule | JudgingRule

export const PASS: Judgement = Object.freeze({ verdict: 'pass' })

/** Findings in order, where they overlap the earlier and longer one alone. */
export function withoutOverlaps(findings: Finding[]): Finding[] {
  findings.sort((left, right) => left.from - right.from || right.to - left.to)
  let end = -1
  return findings.filter(({ from, to }) => {
    if (from < end) return false
    end = to
    return true
  })
}
