import { type DialectName, type JsonObject, UnsupportedFeature } from '../dialect.ts'

/**
 * Extras from inside a body: fields that the neutral form has no place for, by their path (`chat.messages.-1.name_of`).
 * Messages count from the last one (-1), since a version may put words of its own before them. Put back in the order in
 * which they were read, an element that was left out of a list is where it was.
 */
export const NESTED = 'chat.'

export function nestedName(...steps: readonly (string | number)[]): string {
  return NESTED + steps.join('.')
}

/** Throws `UnsupportedFeature` where the body no longer has the place. */
export function putBack(body: JsonObject, name: string, value: unknown, dialect: DialectName): void {
  const steps = name.slice(NESTED.length).split('.')
  const last = steps.pop() as string
  let holder: unknown = body
  for (const step of steps) holder = inside(holder, step)
  if (Array.isArray(holder)) holder.splice(Number(last), 0, value)
  else if (typeof holder === 'object' && holder !== null) (holder as JsonObject)[last] = value
  else throw new UnsupportedFeature(`extras.${name}`, dialect, `the place of ${name} is gone`)
}

function inside(holder: unknown, step: string): unknown {
  if (Array.isArray(holder)) return holder.at(Number(step))
  if (typeof holder !== 'object' || holder === null) return undefined
  const object = holder as JsonObject
  const value = object[step]
  // A list that lost all it had, and a text that was the one part of its content.
  if (value === undefined || value === null) {
    if (step === 'content' || step === 'tool_calls' || step === 'tools') object[step] = []
    else if (step === 'stream_options' || step === 'response_format' || step === 'reasoning')
      object[step] = {}
  } else if (step === 'content' && typeof value === 'string') object[step] = [{ type: 'text', text: value }]
  return object[step]
}
