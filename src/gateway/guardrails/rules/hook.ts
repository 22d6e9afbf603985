import { z } from 'zod'
import type { JudgingRule } from '../rule.ts'

/** Sends JSON and gives the answer's; rejects when there is none in time, or its status is not 200. */
export type PostJson = (
  url: string,
  body: unknown,
  signal: AbortSignal,
  allowInner: boolean,
) => Promise<unknown>

const hookAnswer = z.discriminatedUnion('verdict', [
  z.object({ verdict: z.literal('pass') }),
  z.object({ verdict: z.literal('block'), reason: z.string().max(500).default('the hook refused it') }),
  z.object({
    verdict: z.literal('redact'),
    text: z.string(),
    reason: z.string().max(500).default('the hook redacted it'),
  }),
])

/** Somebody's own service judges: `{checkpoint, text}` there, `{verdict: pass | block | redact, text?, reason?}` back. */
export function hookRule(url: string, allowInner: boolean, post: PostJson): JudgingRule {
  return {
    kind: 'judgement',
    judge: async ({ checkpoint, text }, signal) =>
      hookAnswer.parse(await post(url, { checkpoint, text }, signal, allowInner)),
  }
}
