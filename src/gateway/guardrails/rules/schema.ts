import { Validator } from '@cfworker/json-schema'
import { type JudgingRule, PASS } from '../rule.ts'

/** The text is JSON and fits the schema (2020-12). Interpreted, never compiled into code. */
export function schemaRule(schema: Record<string, unknown>): JudgingRule {
  const validator = new Validator(schema, '2020-12')
  return {
    kind: 'judgement',
    judge({ text }) {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        return { verdict: 'block', reason: 'it is not JSON' }
      }
      const { errors, valid } = validator.validate(value)
      if (valid) return PASS
      const last = errors.at(-1)
      return {
        verdict: 'block',
        reason: `it breaks the schema at ${last?.instanceLocation ?? '#'}: ${last?.error ?? ''}`,
      }
    },
  }
}
