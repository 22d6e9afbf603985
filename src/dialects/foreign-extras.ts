import { type DialectName, type JsonObject, UnsupportedFeature } from './dialect.ts'
import { NESTED } from './json/nested-extras.ts'

/**
 * Whose an extra is. A neutral request does not say which dialect it was read from, so that fields without a neutral
 * meaning are told apart by their names: a field that one of these dialects defines goes to the dialects that define
 * it, and a field that none of them defines (an extension of a vendor) goes to whoever is asked.
 *
 * `content.<type>`, `input.<type>`, `tools.<type>` and `chat.<path>` mark blocks, items, hosted tools and places that only
 * their own dialect can write.
 */
const OWN: Readonly<Record<'openai-chat' | 'openai-responses' | 'anthropic', readonly string[]>> = {
  'openai-chat': [
    'audio',
    'function_call',
    'functions',
    'modalities',
    'moderation',
    'prediction',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'safety_identifier',
    'store',
    'stream_options',
    'verbosity',
    'web_search_options',
  ],
  'openai-responses': [
    'access_programs',
    'background',
    'context_management',
    'conversation',
    'include',
    'max_tool_calls',
    'moderation',
    'previous_response_id',
    'prompt',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'reasoning',
    'safety_identifier',
    'store',
    'stream_options',
    'text',
    'truncation',
    'verbosity',
  ],
  anthropic: [
    'cache_control',
    'container',
    'context_management',
    'diagnostics',
    'inference_geo',
    'mcp_servers',
    'metadata',
    'output_config',
    'speed',
    'thinking',
    'user_profile_id',
    'workspace_id',
  ],
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(OWN).flat())

/** Hosted tools of Anthropic are dated (`web_search_20250305`); those of OpenAI are not, or otherwise. */
const MARKS: Readonly<Record<keyof typeof OWN, RegExp>> = {
  anthropic: /^(content\.\w+|tools\.(custom|mcp_toolset|\w+_\d{8}))$/,
  'openai-responses': /^(input\.\w+|tools\.(?!custom$|mcp_toolset$|\w+_\d{8}$)\w+|tool_choice\.\w+)$/,
  'openai-chat': /^chat\./,
}
const ANY_MARK = /^((content|input|tools|tool_choice)\.\w+$|chat\.)/

/** Whether an extra means something to this dialect, or may. */
export function mayHaveExtra(name: string, dialect: keyof typeof OWN): boolean {
  if (name.startsWith(NESTED)) return dialect === 'openai-chat'
  if (ANY_MARK.test(name)) return MARKS[dialect].test(name)
  return !KNOWN.has(name) || OWN[dialect].includes(name)
}

/** Throws `UnsupportedFeature` for the first extra that belongs to another dialect. */
export function ownExtras(
  extras: JsonObject | undefined,
  dialect: keyof typeof OWN & DialectName,
): JsonObject {
  for (const name of Object.keys(extras ?? {}))
    if (!mayHaveExtra(name, dialect)) throw new UnsupportedFeature(`extras.${name}`, dialect)
  return extras ?? {}
}

/** Of a marker, what follows its kind; undefined for other names. */
export function markOf(
  name: string,
  kind: 'content' | 'input' | 'tools' | 'tool_choice',
): string | undefined {
  return name.startsWith(`${kind}.`) ? name.slice(kind.length + 1) : undefined
}
