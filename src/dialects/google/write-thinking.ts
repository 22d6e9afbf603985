import type { ReasoningWish } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'

/** Budgets of Gemini 2.5, as Google's own OpenAI endpoint takes an effort (ai.google.dev/gemini-api/docs/openai). */
const BUDGETS: Readonly<Record<string, number>> = { minimal: 1024, low: 1024, medium: 8192, high: 24576 }

/**
 * Gemini 2.5 knows a budget of tokens, later models a level; a model whose name does not tell is taken for new. A level
 * and a budget exclude each other, and a level cannot be none (ai.google.dev/gemini-api/docs/thinking).
 */
export function writeThinking(wish: ReasoningWish | undefined, modelName: string): JsonObject | undefined {
  if (wish === undefined) return undefined
  const { budgetTokens, effort, summary } = wish
  const config: JsonObject = {}
  if (budgetTokens !== undefined) {
    if (effort !== undefined)
      throw new UnsupportedFeature(
        'reasoning.effort',
        'gemini',
        'gemini takes an effort or a budget, not both',
      )
    config.thinkingBudget = budgetTokens
  } else if (effort !== undefined) Object.assign(config, writeEffort(effort, modelName))
  if (summary === 'concise' || summary === 'detailed')
    throw new UnsupportedFeature('reasoning.summary', 'gemini', `gemini has no ${summary} summary`)
  if (summary !== undefined) config.includeThoughts = summary !== 'none'
  return Object.keys(config).length === 0 ? undefined : config
}

function writeEffort(effort: NonNullable<ReasoningWish['effort']>, modelName: string): JsonObject {
  const knowsBudgetsOnly = /gemini-2\.5/.test(modelName)
  if (effort === 'xhigh' || (effort === 'none' && !knowsBudgetsOnly))
    throw new UnsupportedFeature('reasoning.effort', 'gemini', `gemini has no effort "${effort}"`)
  if (!knowsBudgetsOnly) return { thinkingLevel: effort }
  return { thinkingBudget: effort === 'none' ? 0 : BUDGETS[effort] }
}
