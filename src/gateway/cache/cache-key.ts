import { createHash } from 'node:crypto'
import { canonicalJson } from '../../kernel/index.ts'
import type { TextSubject } from '../text/parts.ts'

/**
 * Who may share an answer, and for what: the tenant, what its key may do, the version, and everything that was asked,
 * whole and in canonical form, so that neither another tenant nor another question can ever meet the same key. How the
 * answer is sent (streamed or not) and who asks within the tenant do not change it.
 */
export function exactKey(subject: TextSubject): string {
  return digest(scopeOf(subject), askedOf(subject))
}

/** For the semantic cache: the same but for the last thing that the user said, and that text. Generation only. */
export function semanticKey(subject: TextSubject): { scope: string; question: string } | undefined {
  if (subject.operation !== 'generate') return undefined
  const { includeUsage: _, params: __, stream: ___, user: ____, ...request } = subject.neutral()
  const last = request.messages.at(-1)
  const [part, ...more] = last?.content ?? []
  if (last?.role !== 'user' || part?.type !== 'text' || more.length > 0) return undefined
  const rest = { ...request, messages: request.messages.slice(0, -1) }
  return { scope: digest(scopeOf(subject), canonicalJson(rest)), question: part.text }
}

function scopeOf({ key, operation, version }: TextSubject): string {
  const policy = { scopes: key.scopes.toSorted(), priority: key.priority ?? null }
  return canonicalJson({ tenant: key.tenant, policy, version: version.id, operation })
}

function askedOf(subject: TextSubject): string {
  if (subject.operation !== 'generate') return subject.body.toString('base64')
  const { includeUsage: _, params: __, stream: ___, user: ____, ...request } = subject.neutral()
  return canonicalJson(request)
}

function digest(...parts: string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('base64url')
}
