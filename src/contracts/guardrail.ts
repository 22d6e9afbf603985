import { z } from 'zod'

/** Where a rule looks: what the user sent, what was retrieved, tool calls, the whole answer, or the running stream. */
export const checkpoint = z.enum(['input', 'retrieval', 'tool', 'output', 'stream'])
export type Checkpoint = z.infer<typeof checkpoint>

const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  checkpoints: z.array(checkpoint).min(1).max(5),
  /** `shadow` says what it would have done, in records and metrics, and does nothing. */
  mode: z.enum(['shadow', 'enforce']).default('enforce'),
  /** What happens when the rule itself cannot answer in time or breaks. */
  onError: z.enum(['closed', 'open']).default('closed'),
  timeoutMs: z.number().int().min(1).max(60_000).default(1000),
}

const piiKind = z.enum([
  'email',
  'phone',
  'credit-card',
  'iban',
  'ssn',
  'ip-address',
  'person-name',
  'api-key',
])

export const guardrail = z.discriminatedUnion('kind', [
  /** `restore`: redacted on the way in by placeholders, put back on the way out. */
  z.strictObject({
    kind: z.literal('pii'),
    ...common,
    detect: z.array(piiKind).min(1).default(['email', 'phone', 'credit-card', 'iban', 'ssn']),
    action: z.enum(['block', 'redact', 'restore']).default('redact'),
  }),
  z.strictObject({
    kind: z.literal('secrets'),
    ...common,
    action: z.enum(['block', 'redact']).default('block'),
  }),
  z.strictObject({
    kind: z.literal('prompt-injection'),
    ...common,
    /** 0..1; above it the input counts as an attempt. */
    threshold: z.number().min(0).max(1).default(0.8),
  }),
  z.strictObject({
    kind: z.literal('keywords'),
    ...common,
    words: z.array(z.string().min(1).max(200)).min(1).max(10_000),
    wholeWords: z.boolean().default(true),
    action: z.enum(['block', 'redact']).default('block'),
  }),
  z.strictObject({
    kind: z.literal('regex'),
    ...common,
    patterns: z.array(z.string().min(1).max(1000)).min(1).max(100),
    action: z.enum(['block', 'redact']).default('block'),
  }),
  z.strictObject({ kind: z.literal('schema'), ...common, schema: z.record(z.string(), z.unknown()) }),
  z.strictObject({
    kind: z.literal('moderation'),
    ...common,
    provider: z.string().max(63),
    modelName: z.string().max(200).optional(),
    categories: z.array(z.string().max(100)).max(100).optional(),
    threshold: z.number().min(0).max(1).default(0.5),
  }),
  /** Our own hook: `{checkpoint, text, messages}` there, `{verdict: pass|block|redact, text?, reason?}` back. */
  z.strictObject({
    kind: z.literal('http'),
    ...common,
    url: z.url().max(2000),
    allowInner: z.boolean().default(false),
  }),
])
export type Guardrail = z.infer<typeof guardrail>

export const guardrailVerdict = z.object({
  rule: z.string(),
  checkpoint,
  mode: z.enum(['shadow', 'enforce']),
  verdict: z.enum(['pass', 'block', 'redact', 'error']),
  /** Why, without what was found. */
  reason: z.string().optional(),
  tookMs: z.number(),
})
export type GuardrailVerdict = z.infer<typeof guardrailVerdict>
