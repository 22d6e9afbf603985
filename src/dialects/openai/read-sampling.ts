import type { GenerateRequest, Sampling } from '../../contracts/index.ts'
import type { Place } from '../json/place.ts'

/** Sampling of chat completions, of completions, and of the servers that have more of it. */
export function readSampling(root: Place, request: GenerateRequest): void {
  const number = (field: string, key: keyof Sampling, min: number, max: number) => {
    const value = root.at(field).maybe((place) => place.number(min, max))
    if (value !== undefined) Object.assign(request, { [key]: value })
  }
  const tokens = maxTokens(root)
  if (tokens !== undefined) request.maxOutputTokens = tokens
  number('temperature', 'temperature', 0, 5)
  number('top_p', 'topP', 0, 1)
  number('min_p', 'minP', 0, 1)
  number('frequency_penalty', 'frequencyPenalty', -2, 2)
  number('presence_penalty', 'presencePenalty', -2, 2)
  number('repetition_penalty', 'repetitionPenalty', Number.MIN_VALUE, 10)
  const topK = root.at('top_k').maybe((place) => place.integer(-1))
  // -1 and 0 both stand for all tokens.
  if (topK !== undefined) request.topK = Math.max(0, topK)
  const seed = root.at('seed').maybe((place) => place.integer(Number.MIN_SAFE_INTEGER))
  if (seed !== undefined) request.seed = seed
  readStop(root.at('stop'), request)
  readBias(root.at('logit_bias'), request)
}

function maxTokens(root: Place): number | undefined {
  const older = root.at('max_tokens').maybe((place) => place.integer(1))
  const newer = root.at('max_completion_tokens').maybe((place) => place.integer(1))
  if (older !== undefined && newer !== undefined && older !== newer)
    root.at('max_tokens').fail('is another number than max_completion_tokens; send one of them')
  return newer ?? older
}

function readStop(place: Place, request: GenerateRequest): void {
  if (place.isAbsent) return
  const places = typeof place.value === 'string' ? [place] : place.list(16)
  const stop = places.map((one) => {
    const text = one.text()
    if (text === '') one.fail('must not be empty')
    return text
  })
  if (stop.length > 0) request.stop = stop
}

function readBias(place: Place, request: GenerateRequest): void {
  if (place.isAbsent) return
  const bias: Record<string, number> = {}
  for (const token of Object.keys(place.object())) bias[token] = place.at(token).number(-100, 100)
  request.logitBias = bias
}
