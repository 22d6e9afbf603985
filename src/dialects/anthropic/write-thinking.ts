import type { ReasoningWish } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'

export interface WrittenThinking {
  readonly thinking: JsonObject | undefined
  readonly effort: string | undefined
  /** That the answer's bound must leave room for. */
  readonly budgetTokens: number
}

/** Tokens to think with, where a model knows budgets only. At least 1024 are taken. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 1024,
  medium: 4096,
  high: 8192,
  xhigh: 16384,
}

/**
 * Models from Claude 4.6 on decide by themselves how long they think (`adaptive`), by an effort; those before know a
 * budget of tokens only (docs.anthropic.com, "Adaptive thinking"). An effort is written as the model can take it, by
 * the figures above; a budget that the client named goes out as it named it.
 */
export function writeThinking(wish: ReasoningWish | undefined, modelName: string): WrittenThinking {
  if (wish === undefined) return { thinking: undefined, effort: undefined, budgetTokens: 0 }
  const { budgetTokens, effort, summary } = wish
  if (effort === 'none') return { thinking: { type: 'disabled' }, effort: undefined, budgetTokens: 0 }
  const display = summary === undefined ? {} : { display: summary === 'none' ? 'omitted' : 'summarized' }
  if (budgetTokens !== undefined) {
    const thinking = { type: 'enabled', budget_tokens: budgetTokens, ...display }
    return { thinking, effort: effortOf(effort), budgetTokens }
  }
  if (!knowsBudgetsOnly(modelName))
    return { thinking: { type: 'adaptive', ...display }, effort: effortOf(effort), budgetTokens: 0 }
  const budget = BUDGETS[effort ?? 'medium'] as number
  return {
    thinking: { type: 'enabled', budget_tokens: budget, ...display },
    effort: undefined,
    budgetTokens: budget,
  }
}

function effortOf(effort: ReasoningWish['effort']): string | undefined {
  if (effort === 'minimal')
    throw new UnsupportedFeature('reasoning.effort', 'anthropic', 'anthropic has no effort "minimal"')
  return effort
}

/** `claude-sonnet-4-5-20250929`, `anthropic.claude-3-7-sonnet-…`; what is not named like this is taken for new. */
function knowsBudgetsOnly(modelName: string): boolean {
  const old = /claude-(\d)(?:-(\d)(?!\d))?-[a-z]/.exec(modelName)
  const named = /claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?/.exec(modelName)
  const [, major, minor = '0'] = old ?? named ?? []
  if (major === undefined) return false
  return Number(major) < 4 || (Number(major) === 4 && Number(minor) < 6)
}
