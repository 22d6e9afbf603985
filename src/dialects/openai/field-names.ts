import { NESTED } from '../json/nested-extras.ts'

/** Names here of what the neutral form calls otherwise. */
const FIELDS: Readonly<Record<string, string>> = {
  choices: 'n',
  frequencyPenalty: 'frequency_penalty',
  includeUsage: 'stream_options.include_usage',
  logitBias: 'logit_bias',
  maxOutputTokens: 'max_tokens',
  minP: 'min_p',
  output: 'response_format',
  parallelToolCalls: 'parallel_tool_calls',
  presencePenalty: 'presence_penalty',
  reasoning: 'reasoning_effort',
  repetitionPenalty: 'repetition_penalty',
  serviceTier: 'service_tier',
  toolChoice: 'tool_choice',
  topK: 'top_k',
  topP: 'top_p',
}

/** `extras.store` → `store`, `reasoning.budgetTokens` → `reasoning_effort`, places in the messages as they are. */
export function fieldOf(feature: string): string {
  if (feature.startsWith('extras.')) {
    const name = feature.slice('extras.'.length)
    return name.startsWith(NESTED) ? name.slice(NESTED.length) : name
  }
  const [key = feature] = feature.split('.', 1)
  return FIELDS[key] ?? feature
}
