import { isObject, type JsonObject, member, numberAt } from '../json.ts'
import { boundedTemplate, type SpecialToken } from '../model-facts.ts'

const ROLES = ['bos', 'eos', 'pad', 'unk', 'sep', 'cls', 'mask'] as const

/** Special tokens of tokenizer_config.json, with the ids that its own table, tokenizer.json or the configuration give them. */
export function specialTokens(files: {
  readonly tokenizerConfig: JsonObject | undefined
  readonly tokenizer: JsonObject | undefined
  readonly config: JsonObject | undefined
  readonly generation: JsonObject | undefined
}): Record<string, SpecialToken> {
  const ids = idsByText(files.tokenizerConfig, files.tokenizer)
  const found: Record<string, SpecialToken> = {}
  for (const role of ROLES) {
    const entry = member(files.tokenizerConfig, `${role}_token`)
    const content = isObject(entry) ? member(entry, 'content') : entry
    const text = typeof content === 'string' ? content.slice(0, 200) : null
    const id =
      (text === null ? undefined : ids.get(text)) ??
      idOf(files.generation, role) ??
      idOf(files.config, role) ??
      null
    if (text !== null || id !== null) found[role] = { id, text }
  }
  return found
}

/** Several ends are allowed; the first is told. */
function idOf(config: JsonObject | undefined, role: string): number | undefined {
  const id = member(config, `${role}_token_id`)
  const first = Array.isArray(id) ? id[0] : id
  return typeof first === 'number' ? first : undefined
}

function idsByText(
  tokenizerConfig: JsonObject | undefined,
  tokenizer: JsonObject | undefined,
): Map<string, number> {
  const ids = new Map<string, number>()
  const decoder = member(tokenizerConfig, 'added_tokens_decoder')
  if (isObject(decoder))
    for (const [id, entry] of Object.entries(decoder)) {
      const text = member(entry, 'content')
      if (typeof text === 'string' && ids.size < 10_000) ids.set(text, Number(id))
    }
  const added = member(tokenizer, 'added_tokens')
  if (Array.isArray(added))
    for (const entry of added.slice(0, 10_000)) {
      const text = member(entry, 'content')
      const id = numberAt(entry, 'id')
      if (typeof text === 'string' && id !== null) ids.set(text, id)
    }
  return ids
}

/** The template as text, from its own file or the configuration; of several named ones the default. */
export function chatTemplateOf(
  tokenizerConfig: JsonObject | undefined,
  file: string | undefined,
): string | null {
  if (file !== undefined) return boundedTemplate(file)
  const template = member(tokenizerConfig, 'chat_template')
  if (!Array.isArray(template)) return boundedTemplate(template)
  const named = template.find((entry) => member(entry, 'name') === 'default') ?? template[0]
  return boundedTemplate(member(named, 'template'))
}
