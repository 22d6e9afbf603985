import type { Guardrail } from '../../contracts/index.ts'
import type { Clock, Logger } from '../../kernel/index.ts'
import type { Guard, Guards } from '../text/parts.ts'
import { type CompiledRule, compileRule, type RuleParts } from './compile.ts'
import { RuleRun } from './guard-run.ts'

/** The rules of all versions, compiled once for each version's id. */
export function versionGuards(parts: RuleParts, clock: Clock, log: Logger): Guards {
  let compiled = new Map<string, readonly CompiledRule[] | Error>()
  return {
    follow(snapshot) {
      const next = new Map<string, readonly CompiledRule[] | Error>()
      for (const { model, versions } of snapshot.models)
        for (const { id, label, text } of versions) {
          if (text?.guardrails === undefined || text.guardrails.length === 0) continue
          const known = compiled.get(id) ?? compileAll(text.guardrails, parts)
          if (known instanceof Error)
            log.error({ err: known, model, version: label }, 'guardrails not compiled')
          next.set(id, known)
        }
      compiled = next
    },
    of(_, version) {
      const rules = compiled.get(version.id)
      if (rules === undefined) return undefined
      // A version whose rules cannot be read answers nobody: fail closed.
      if (rules instanceof Error) return { begin: () => new RuleRun([brokenRule(rules)], clock) }
      const guard: Guard = { begin: ({ asides }) => new RuleRun(rules, clock, asides) }
      return guard
    },
  }
}

function compileAll(guardrails: readonly Guardrail[], parts: RuleParts): readonly CompiledRule[] | Error {
  try {
    return guardrails.map((config) => compileRule(config, parts))
  } catch (error) {
    return error as Error
  }
}

function brokenRule(error: Error): CompiledRule {
  return {
    config: {
      kind: 'regex',
      name: 'unreadable',
      checkpoints: ['input'],
      mode: 'enforce',
      onError: 'closed',
      timeoutMs: 1000,
      patterns: ['.'],
      action: 'block',
    },
    rule: { kind: 'judgement', judge: () => ({ verdict: 'block', reason: error.message }) },
    action: 'block',
  }
}
