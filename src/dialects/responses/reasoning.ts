import type { Part } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'

type Reasoning = Extract<Part, { type: 'reasoning' }>

/**
 * A reasoning item goes back to OpenAI with its id and its encrypted content, which belong together. The neutral form
 * has one signature for both, `openai-responses:<id>:<encrypted content>`, so that a thought survives any surface on its
 * way and is known for whose it is.
 *
 * The other way round, a client of this API keeps ids and encrypted content only: signatures of other providers travel
 * in the latter, behind a prefix, and items that we named ourselves have ids that say so.
 */
const OURS = 'openai-responses:'
const SIGNATURE = 'slipway-signature:'
const REDACTED = 'slipway-redacted:'
const OWN_ID = 'rs_slipway_'

export function ownId(base: string, index: number): string {
  return `${OWN_ID}${base}_${index}`
}

export function readReasoning(item: JsonObject): Reasoning {
  const id = textOf(item.id)
  const sealed = textOf(item.encrypted_content)
  const summary = textsIn(item.summary)
  const content = textsIn(item.content)
  const shown = content.length > 0 ? content.join('') : summary.join('\n\n')
  return {
    type: 'reasoning',
    ...(shown === '' ? {} : { text: shown }),
    // One part is the text; several are kept apart, and so is a summary of thinking that is shown itself.
    ...(summary.length > 1 || (summary.length > 0 && content.length > 0) ? { summary } : {}),
    ...readSeal(id, sealed),
  }
}

export function readSeal(
  id: string | undefined,
  sealed: string | undefined,
): Pick<Reasoning, 'signature' | 'redacted'> {
  if (sealed?.startsWith(SIGNATURE)) return { signature: sealed.slice(SIGNATURE.length) }
  if (sealed?.startsWith(REDACTED)) return { redacted: sealed.slice(REDACTED.length) }
  if (id === undefined || id.startsWith(OWN_ID))
    return sealed === undefined ? {} : { signature: `${OURS}:${sealed}` }
  return { signature: `${OURS}${id}:${sealed ?? ''}` }
}

/** Of another provider, or of nobody: undefined, and OpenAI will not have it. */
export function ownItem(part: Reasoning): JsonObject | undefined {
  const { signature } = part
  if (signature === undefined) return part.id === undefined ? undefined : itemOf(part, part.id, undefined)
  if (!signature.startsWith(OURS)) return undefined
  const rest = signature.slice(OURS.length)
  const colon = rest.indexOf(':')
  const sealed = rest.slice(colon + 1)
  return itemOf(part, rest.slice(0, colon), sealed === '' ? undefined : sealed)
}

/** For a client: what is not OpenAI's goes by an id of ours. */
export function answerItem(part: Reasoning, id: string): JsonObject {
  return ownItem(part) ?? itemOf(part, id, sealOf(part))
}

export function sealOf({
  redacted,
  signature,
}: Pick<Reasoning, 'redacted' | 'signature'>): string | undefined {
  if (redacted !== undefined) return REDACTED + redacted
  return signature === undefined ? undefined : SIGNATURE + signature
}

function itemOf({ summary, text }: Reasoning, id: string, sealed: string | undefined): JsonObject {
  const parts = summary ?? (text === undefined ? [] : [text])
  const isThinkingShown = summary !== undefined && text !== undefined && text !== summary.join('\n\n')
  return {
    ...(id === '' ? {} : { id }),
    type: 'reasoning',
    summary: parts.map((one) => ({ type: 'summary_text', text: one })),
    ...(isThinkingShown ? { content: [{ type: 'reasoning_text', text }] } : {}),
    ...(sealed === undefined ? {} : { encrypted_content: sealed }),
  }
}

function textsIn(parts: unknown): string[] {
  return listOf(parts).flatMap((part) => {
    const text = objectOf(part)?.text
    return typeof text === 'string' ? [text] : []
  })
}
