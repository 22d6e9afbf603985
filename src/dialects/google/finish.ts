import type { FinishReason } from '../../contracts/index.ts'

/** `FinishReason` of ai.google.dev/api/generate-content and of Vertex AI's `GenerateContentResponse`. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
}

/** Calls end with `STOP` there, as any answer does. */
export function readFinish(raw: string, hasCalls: boolean): FinishReason {
  const reason = Object.hasOwn(REASONS, raw) ? (REASONS[raw] as FinishReason) : 'other'
  return reason === 'stop' && hasCalls ? 'tool-calls' : reason
}

/** What a chunk says while an answer goes on. */
export function isFinal(raw: unknown): raw is string {
  return typeof raw === 'string' && raw !== '' && raw !== 'FINISH_REASON_UNSPECIFIED'
}
