import type { ModelFacts } from '../../artifacts/index.ts'

export interface TextDiff {
  /** What a client that was served before is no longer served, as clauses. */
  readonly breaking: string[]
  /** What changes for clients without refusing them, as clauses. */
  readonly notes: string[]
}

/** A model of text as it is served: its file, and the context that its settings give a request. */
export interface ServedText {
  readonly facts: ModelFacts
  /** Tokens that one request may use: what the settings say, at most what the model takes; null: nobody says. */
  readonly contextTokens: number | null
}

/** What a client of `before` meets when it is answered by `after`. */
export function textDiff(before: ServedText, after: ServedText): TextDiff {
  const breaking: string[] = []
  const notes: string[] = []
  const [old, now] = [before.contextTokens, after.contextTokens]
  if (old !== null && now !== null && now < old)
    breaking.push(`a request may use ${now} tokens where it could use ${old}`)
  else if (old !== null && now !== null && now > old)
    notes.push(`a request may use ${now} tokens, ${old} before`)
  if (before.facts.chatTemplate !== after.facts.chatTemplate)
    notes.push(templateNote(before.facts.chatTemplate, after.facts.chatTemplate))
  if (before.facts.vocabulary !== after.facts.vocabulary)
    notes.push(
      `the vocabulary has ${after.facts.vocabulary ?? '?'} tokens, ${before.facts.vocabulary ?? '?'} before: limits and prices in tokens mean something else`,
    )
  for (const role of new Set([
    ...Object.keys(before.facts.specialTokens),
    ...Object.keys(after.facts.specialTokens),
  ])) {
    const [was, is] = [tokenOf(before.facts, role), tokenOf(after.facts, role)]
    if (was !== is) notes.push(`the ${role} token is ${is}, ${was} before`)
  }
  if (before.facts.architecture !== after.facts.architecture)
    notes.push(
      `the architecture is ${after.facts.architecture ?? '?'}, ${before.facts.architecture ?? '?'} before`,
    )
  const [wasBits, isBits] = [before.facts.precision?.name, after.facts.precision?.name]
  if (wasBits !== isBits) notes.push(`weights are ${isBits ?? '?'}, ${wasBits ?? '?'} before`)
  return { breaking, notes }
}

function templateNote(before: string | null, after: string | null): string {
  if (after === null) return 'it has no chat template; the engine falls back on one of its own'
  if (before === null) return 'it has a chat template now'
  let at = 0
  while (before[at] === after[at]) at++
  const from = Math.max(0, at - 20)
  return `the chat template differs from character ${at} on: ${JSON.stringify(after.slice(from, at + 20))}, ${JSON.stringify(before.slice(from, at + 20))} before`
}

function tokenOf({ specialTokens }: ModelFacts, role: string): string {
  const token = Object.hasOwn(specialTokens, role) ? specialTokens[role] : undefined
  if (token === undefined) return 'none'
  return token.text === null ? String(token.id) : `${token.text} (${token.id ?? '?'})`
}
