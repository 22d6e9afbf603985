import type { Checkpoint, Guardrail } from '../../contracts/index.ts'
import type { Asides } from '../text/parts.ts'
import type { Judgement, JudgingRule, Rule } from './rule.ts'
import { PASS } from './rule.ts'
import { hookRule, type PostJson } from './rules/hook.ts'
import { piiRule } from './rules/pii.ts'
import { promptInjectionRule } from './rules/prompt-injection.ts'
import { schemaRule } from './rules/schema.ts'
import { secretsRule } from './rules/secrets.ts'
import { keywordsRule, regexRule } from './rules/words.ts'

/** Scores by category, 0..1, of what a moderation model says. */
export type Moderate = (
  provider: string,
  modelName: string | undefined,
  text: string,
  signal: AbortSignal,
  asides: Asides | undefined,
) => Promise<Readonly<Record<string, number>>>

export interface RuleParts {
  readonly post: PostJson
  readonly moderate: Moderate
}

export interface CompiledRule {
  readonly config: Guardrail
  readonly rule: Rule
  /** What becomes of what a span rule finds; judging rules block. */
  readonly action: 'block' | 'redact' | 'restore'
}

/** Throws `invalid_request` for a pattern that cannot be compiled. */
export function compileRule(config: Guardrail, parts: RuleParts): CompiledRule {
  return { config, rule: ruleOf(config, parts), action: 'action' in config ? config.action : 'block' }
}

export function rulesAt(rules: readonly CompiledRule[], ...checkpoints: Checkpoint[]): CompiledRule[] {
  return rules.filter(({ config }) => config.checkpoints.some((each) => checkpoints.includes(each)))
}

function ruleOf(config: Guardrail, parts: RuleParts): Rule {
  switch (config.kind) {
    case 'pii':
      return piiRule(config.detect)
    case 'secrets':
      return secretsRule()
    case 'prompt-injection':
      return promptInjectionRule(config.threshold)
    case 'keywords':
      return keywordsRule(config.words, config.wholeWords)
    case 'regex':
      return regexRule(config.patterns)
    case 'schema':
      return schemaRule(config.schema)
    case 'moderation':
      return moderationRule(config, parts.moderate)
    case 'http':
      return hookRule(config.url, config.allowInner, parts.post)
  }
}

function moderationRule(
  { categories, modelName, provider, threshold }: Extract<Guardrail, { kind: 'moderation' }>,
  moderate: Moderate,
): JudgingRule {
  return {
    kind: 'judgement',
    async judge({ asides, text }, signal): Promise<Judgement> {
      const scores = await moderate(provider, modelName, text, signal, asides)
      const over = Object.entries(scores).filter(
        ([category, score]) =>
          score >= threshold && (categories === undefined || categories.includes(category)),
      )
      if (over.length === 0) return PASS
      return { verdict: 'block', reason: `it is ${over.map(([category]) => category).join(', ')}` }
    },
  }
}
