import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { TextFailure, TextOutcome } from '../../providers/index.ts'
import type { TextSubject } from './parts.ts'
import { NOTHING_USED } from './use.ts'

export const UNREADY: TextFailure = {
  code: 'replica_unready',
  class: 'unready',
  status: 0,
  detail: '',
  retryAfterMs: null,
  hadContent: false,
}
export const REJECTED: TextFailure = { ...UNREADY, code: 'upstream_rejected', class: 'invalid' }
export const CANCELLED: TextFailure = { ...UNREADY, code: 'cancelled', class: 'cancelled' }

/** Of a try that did not settle though it was cancelled: what it used is unknown. */
export function unsettled(hadContent: boolean, providerModel: string | null): TextOutcome {
  return {
    failure: { ...CANCELLED, hadContent },
    usage: NO_USAGE,
    finishReason: null,
    providerModel,
    earlier: [],
    reportedCostUsd: null,
  }
}

export function staticAnswer(subject: TextSubject, text: string): GenerateAnswer {
  return {
    id: subject.requestId,
    createdAt: subject.atMs,
    choices: [{ index: 0, content: [{ type: 'text', text }], finishReason: 'stop' }],
    usage: NOTHING_USED,
  }
}

export function notText(text: { readonly model: { readonly model: string } }, version: string): SlipwayError {
  return new SlipwayError('model_not_text', { model: text.model.model, version })
}
