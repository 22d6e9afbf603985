import type { GenerateAnswer, GenerateEvent } from '../../contracts/index.ts'

/** A whole answer as the events of a stream: how a cached or static one reaches a client that wants to be streamed to. */
export function eventsOf(answer: GenerateAnswer): GenerateEvent[] {
  const { id, providerModel, serviceTier, systemFingerprint, usage } = answer
  const events: GenerateEvent[] = [
    {
      type: 'started',
      id,
      ...(providerModel === undefined ? {} : { providerModel }),
      ...(systemFingerprint === undefined ? {} : { systemFingerprint }),
      ...(serviceTier === undefined ? {} : { serviceTier }),
    },
  ]
  for (const choice of answer.choices) {
    const at = { choice: choice.index }
    let call = 0
    let logprobs = choice.logprobs
    for (const part of choice.content) {
      if (part.type === 'text') {
        events.push({ type: 'text', ...at, text: part.text, ...(logprobs === undefined ? {} : { logprobs }) })
        logprobs = undefined
        for (const annotation of part.annotations ?? [])
          events.push({ type: 'annotation', ...at, annotation })
      } else if (part.type === 'refusal') events.push({ type: 'refusal', ...at, text: part.text })
      else if (part.type === 'reasoning') {
        const { redacted, signature, text } = part
        events.push({
          type: 'reasoning',
          ...at,
          ...(text === undefined ? {} : { text }),
          ...(signature === undefined ? {} : { signature }),
          ...(redacted === undefined ? {} : { redacted }),
        })
      } else if (part.type === 'tool-call') {
        events.push({ type: 'tool-call-started', ...at, call, id: part.id, name: part.name })
        if (part.arguments !== '')
          events.push({ type: 'tool-call-arguments', ...at, call, text: part.arguments })
        call++
      }
    }
    const { finishReason: reason, rawFinishReason: raw, stopText } = choice
    events.push({
      type: 'finished',
      ...at,
      reason,
      ...(raw === undefined ? {} : { raw }),
      ...(stopText === undefined ? {} : { stopText }),
    })
  }
  events.push({ type: 'usage', usage })
  return events
}
