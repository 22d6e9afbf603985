import { type DialectName, type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { mergeUsage } from '../merge-usage.ts'
import { readFinish } from '../openai/finish.ts'
import { refuseChoiceError, wordsOf } from '../openai/read-answer.ts'
import { readError, refuseError } from '../openai/read-error.ts'
import { readCostUsd, readUsage } from '../openai/usage.ts'
import { brokenProblem } from '../problem.ts'
import { eventObject } from '../sse/sse-stream.ts'
import { hasField, looksLikeObject, type RelayedEvent, type RelayFound, type RelayRow } from './relay-row.ts'

/** The terminal marker does not look like an object, and so is read. */
function mustRead(text: string): boolean {
  return (
    !looksLikeObject(text) ||
    hasField(text, '"finish_reason"') ||
    hasField(text, '"usage"') ||
    hasField(text, '"tool_calls"') ||
    text.includes('"error"')
  )
}

export const relayChat: RelayRow = rowOf('openai-chat')
export const relayCompletions: RelayRow = rowOf('openai-completions')

const TERMINAL: RelayedEvent = Object.freeze({ hasContent: false, isTerminal: true, isUsageOnly: false })

function rowOf(name: DialectName): RelayRow {
  return {
    name,
    mustRead,
    read(data, event, found) {
      if (data === '[DONE]') return TERMINAL
      const chunk = eventObject(data)
      refuseError(event === 'error' ? { error: chunk.error ?? chunk } : chunk)
      const choices = listOf(chunk.choices).map((choice) => objectOf(choice) ?? {})
      let hasContent = false
      for (const choice of choices) {
        refuseChoiceError(choice)
        hasContent ||= isContent(choice)
        noteFinish(choice, found)
      }
      const hasUsage = noteRest(chunk, found)
      return { hasContent, isTerminal: false, isUsageOnly: hasUsage && choices.length === 0 }
    },
    readWhole(answer, found) {
      refuseError(answer)
      const choices = listOf(answer.choices)
      if (choices.length === 0) throw new UpstreamBroken(brokenProblem('its answer has no choices'))
      for (const one of choices) {
        const choice = objectOf(one) ?? {}
        refuseChoiceError(choice)
        noteFinish(choice, found)
      }
      noteRest(answer, found)
    },
    readError,
  }
}

function noteRest(told: JsonObject, found: RelayFound): boolean {
  found.providerModel ??= textOf(told.model) ?? null
  const usage = objectOf(told.usage) ?? objectOf(objectOf(told.x_groq)?.usage)
  if (usage === undefined) return false
  found.usage = mergeUsage(found.usage, readUsage(usage))
  found.reportedCostUsd = readCostUsd(usage) ?? found.reportedCostUsd
  return true
}

/** Of the first choice that tells one, as in answers that are translated. */
function noteFinish(choice: JsonObject, found: RelayFound): void {
  const message = objectOf(choice.message) ?? objectOf(choice.delta) ?? {}
  if (listOf(message.tool_calls).length > 0 || objectOf(message.function_call) !== undefined)
    found.hasCalls = true
  const word = textOf(choice.finish_reason)
  if (word === undefined || found.finishReason !== null) return
  found.finishReason = readFinish(word, found.hasCalls === true).reason
}

function isContent(choice: JsonObject): boolean {
  if (textOf(choice.text) !== undefined) return true
  const delta = objectOf(choice.delta) ?? objectOf(choice.message)
  if (delta === undefined) return false
  const said = wordsOf(delta.content)
  return (
    said.text !== '' ||
    said.thought !== '' ||
    textOf(delta.reasoning_content) !== undefined ||
    textOf(delta.reasoning) !== undefined ||
    textOf(delta.refusal) !== undefined ||
    listOf(delta.tool_calls).length > 0 ||
    objectOf(delta.function_call) !== undefined ||
    objectOf(delta.audio) !== undefined
  )
}
