import type { Checkpoint, GenerateAnswer, GenerateRequest, Part } from '../../contracts/index.ts'

/** Gives a text back as it shall be; undefined: as it was. */
export type Rewrite = (text: string) => string | undefined

/**
 * Where each checkpoint looks: `input` at what users and systems say, `retrieval` at what tools brought, `tool` at the
 * arguments of calls, `output` at what the model answers. Same object back when nothing was rewritten.
 */
export function rewriteRequest(request: GenerateRequest, at: Checkpoint, rewrite: Rewrite): GenerateRequest {
  let isChanged = false
  const messages = request.messages.map((message) => {
    const content = message.content.map((part) => {
      const next = rewritePart(part, message.role, at, rewrite)
      if (next !== part) isChanged = true
      return next
    })
    return { ...message, content }
  })
  return isChanged ? { ...request, messages } : request
}

export function rewriteAnswer(
  answer: GenerateAnswer,
  at: 'output' | 'tool',
  rewrite: Rewrite,
): GenerateAnswer {
  let isChanged = false
  const choices = answer.choices.map((choice) => {
    const content = choice.content.map((part) => {
      const next = rewritePart(part, 'assistant', at, rewrite)
      if (next !== part) isChanged = true
      return next
    })
    return { ...choice, content }
  })
  return isChanged ? { ...answer, choices } : answer
}

function rewritePart(part: Part, role: string, at: Checkpoint, rewrite: Rewrite): Part {
  if (part.type === 'text' && isLookedAt(role, at)) return withText(part, rewrite)
  if (part.type === 'tool-call' && at === 'tool') {
    const next = rewrite(part.arguments)
    return next === undefined ? part : { ...part, arguments: next }
  }
  if (part.type === 'tool-result' && at === 'retrieval') {
    const content = part.content.map((inner) => (inner.type === 'text' ? withText(inner, rewrite) : inner))
    return content.some((inner, index) => inner !== part.content[index]) ? { ...part, content } : part
  }
  return part
}

function isLookedAt(role: string, at: Checkpoint): boolean {
  if (at === 'input') return role === 'user' || role === 'system' || role === 'developer'
  if (at === 'retrieval') return role === 'tool'
  return at === 'output' && role === 'assistant'
}

function withText<T extends { text: string }>(part: T, rewrite: Rewrite): T {
  const next = rewrite(part.text)
  return next === undefined ? part : { ...part, text: next }
}
