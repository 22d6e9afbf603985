import type { Guardrail } from '../../contracts/index.ts'
import type { Importing } from './fields.ts'
import { isObject, type Path } from './source.ts'

const HOOKS = {
  before_request_hooks: 'input',
  input_guardrails: 'input',
  after_request_hooks: 'output',
  output_guardrails: 'output',
} as const

/** Checks of the open gateway that say the same here; `deny` is what makes one enforce. */
export function guardrailsOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  startAt: number,
): Guardrail[] {
  const rules: Guardrail[] = []
  for (const [key, checkpoint] of Object.entries(HOOKS)) {
    const hooks = written[key]
    if (!Array.isArray(hooks)) continue
    for (const [index, hook] of hooks.entries()) {
      const at = [...path, key, index]
      const checks = isObject(hook) && Array.isArray(hook.checks) ? hook.checks : []
      if (!isObject(hook) || checks.length === 0) {
        importing.ledger.lost(
          at,
          'What it checks stands in the other tool; write it as guardrails of the version.',
        )
        continue
      }
      const mode = hook.deny === true ? 'enforce' : 'shadow'
      const before = rules.length
      for (const [number, check] of checks.entries()) {
        const name = `imported-${startAt + rules.length + 1}`
        const rule = ruleOf(check, {
          name,
          checkpoints: [checkpoint],
          mode,
          onError: 'closed',
          timeoutMs: 1000,
        })
        const place = [...at, 'checks', number]
        if (rule === undefined)
          importing.ledger.lost(
            place,
            'No rule here says the same; write one of the kind regex, keywords, schema or http.',
          )
        else {
          importing.ledger.kept(place, `guardrails of each version: ${name}`)
          rules.push(rule)
        }
      }
      if (rules.length === before) continue
      if (hook.deny !== undefined) importing.ledger.kept([...at, 'deny'], `mode ${mode}`)
      if (hook.type === 'guardrail') importing.ledger.kept([...at, 'type'], 'guardrails of each version')
      if (hook.id !== undefined)
        importing.ledger.changed([...at, 'id'], 'name of the rule', 'Rules have names of their own.')
    }
  }
  return rules
}

type Common = Pick<Guardrail, 'name' | 'checkpoints' | 'mode' | 'onError' | 'timeoutMs'>

function ruleOf(check: unknown, common: Common): Guardrail | undefined {
  if (!isObject(check) || !isObject(check.parameters)) return undefined
  const { id, parameters } = check
  // Only what is said by known fields may count as the same.
  const knows = (...names: string[]) =>
    Object.keys(parameters).every((name) => names.includes(name)) &&
    Object.keys(check).every((name) => name === 'id' || name === 'parameters')
  // There a check passes when the text fits; here a rule blocks what fits: only the negated forms are the same.
  if (
    id === 'default.regexMatch' &&
    parameters.not === true &&
    isText(parameters.rule, 1000) &&
    !LOOKS_AROUND.test(parameters.rule) &&
    knows('rule', 'not')
  )
    return { kind: 'regex', ...common, patterns: [parameters.rule], action: 'block' }
  if (
    id === 'default.contains' &&
    parameters.operator === 'none' &&
    Array.isArray(parameters.words) &&
    parameters.words.length > 0 &&
    parameters.words.every((word) => isText(word, 200)) &&
    knows('words', 'operator')
  )
    return {
      kind: 'keywords',
      ...common,
      words: parameters.words as string[],
      wholeWords: false,
      action: 'block',
    }
  if (
    id === 'default.jsonSchema' &&
    isObject(parameters.schema) &&
    common.checkpoints[0] === 'output' &&
    knows('schema')
  )
    return { kind: 'schema', ...common, schema: parameters.schema }
  return undefined
}

/** What JavaScript's patterns have and RE2's, which ours are, have not. */
const LOOKS_AROUND = /\(\?<?[=!]|\\[1-9k]/

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most
}
