import type { JsonObject } from '../../dialects/index.ts'

/**
 * Whether a question may be asked twice at once. Not where the provider does more than write: its own tools (search, code,
 * remote MCP servers) would act twice; nor where it goes on from what one account keeps (an earlier response, a
 * container), which no other account has. Functions are called by the client, who only ever sees one of the answers.
 */
export function mayAskTwice(body: JsonObject): boolean {
  for (const field of ACTING_OR_PINNING) if (body[field] !== undefined && body[field] !== null) return false
  const { tools } = body
  return tools === undefined || tools === null || (Array.isArray(tools) && tools.every(isOfClient))
}

/** OpenAI's chat and responses, then Anthropic's; plugins are OpenRouter's. */
const ACTING_OR_PINNING = [
  'web_search_options',
  'plugins',
  'previous_response_id',
  'conversation',
  'background',
  'mcp_servers',
  'container',
]

/** `function` and `custom` are the kinds that clients run; without a kind it is Anthropic's or ours. */
function isOfClient(tool: unknown): boolean {
  const type = (tool as { type?: unknown } | null)?.type
  return type === undefined || type === 'function' || type === 'custom'
}
