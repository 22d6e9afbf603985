import { isMap, isNode, isPair, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { z } from 'zod'
import { FileError } from './file-error.ts'
import { nearest } from './nearest.ts'

/** Bounded: these files are written by hand. */
const LARGEST_FILE = 256 * 1024

export interface YamlFile<T> {
  readonly value: T
  /** For what only shows when several values are seen together: throws at the line of one of them. */
  readonly refuse: (path: readonly PropertyKey[], reason: string, hint: string) => never
}

/** Reads YAML by a strict schema. Refusals carry the line, the reason and the nearest valid word. */
export function readYamlFile<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
): YamlFile<z.output<S>> {
  const lines = new LineCounter()
  if (text.length > LARGEST_FILE)
    throw new FileError({ file, line: 1 }, 'the file is larger than 256 KiB', 'Split it.')
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const broken = document.errors[0]
  if (broken !== undefined)
    throw new FileError(
      { file, line: lines.linePos(broken.pos[0]).line },
      `not YAML: ${broken.message}`,
      'Check the indentation, colons and quotes on this line.',
    )
  const lineOf = (path: readonly PropertyKey[], ofKey = false) => {
    const offset = offsetOf(document.contents, path, ofKey)
    return offset === undefined ? 1 : lines.linePos(offset).line
  }
  const refuse = (path: readonly PropertyKey[], reason: string, hint: string): never => {
    throw new FileError({ file, line: lineOf(path) }, reason, hint)
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 50 })
  } catch (error) {
    throw new FileError({ file, line: 1 }, `not YAML: ${(error as Error).message}`, 'Write the values out.')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { value: parsed.data, refuse }
  // A misspelt key also shows as a missing one; the misspelling is what to tell.
  const { issues } = parsed.error
  const issue = issues.find((one) => one.code === 'unrecognized_keys') ?? (issues[0] as z.core.$ZodIssue)
  const { path, reason, hint } = tell(issue, schema, value)
  throw new FileError({ file, line: lineOf(path, issue.code === 'unrecognized_keys') }, reason, hint)
}

function tell(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
): { path: readonly PropertyKey[]; reason: string; hint: string } {
  const name = issue.path.length === 0 ? 'the file' : dotted(issue.path)
  const written = valueAt(value, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string
    const valid = keysAt(schema, issue.path)
    const meant = nearest(key, valid)
    return {
      path: [...issue.path, key],
      reason: `"${key}" is not known ${issue.path.length === 0 ? 'here' : `in ${name}`}.`,
      hint: meant === undefined ? `Known: ${valid.join(', ')}.` : `Did you mean "${meant}"?`,
    }
  }
  if (issue.code === 'invalid_value') {
    const valid = issue.values.map(String)
    const meant = typeof written === 'string' ? nearest(written, valid) : undefined
    if (written === undefined)
      return { path: issue.path, reason: `${name} is missing.`, hint: `One of: ${valid.join(', ')}.` }
    return {
      path: issue.path,
      reason: `${name} is ${JSON.stringify(written)}, which is not one of ${valid.join(', ')}.`,
      hint: meant === undefined ? `One of: ${valid.join(', ')}.` : `Did you mean "${meant}"?`,
    }
  }
  if (written === undefined)
    return { path: issue.path, reason: `${name} is missing.`, hint: `Add "${String(issue.path.at(-1))}: …".` }
  const [reason, hint] = issue.message.split(' → ')
  return {
    path: issue.path,
    reason: `${name}: ${reason}`,
    hint: hint ?? 'See docs/reference for what may stand here.',
  }
}

/** The position of a value, or of its key; of the nearest one above where the path leads to nothing. */
function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[], ofKey: boolean): number | undefined {
  let node: unknown = root
  let offset = root?.range[0]
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isNode(item.key) && item.key.toJSON() === step)
      if (pair === undefined) return offset
      const key = pair.key as ParsedNode
      offset = key.range?.[0] ?? offset
      node = pair.value
      if (step === path.at(-1) && ofKey) return offset
    } else if (typeof node === 'object' && node !== null && 'items' in node) {
      node = (node.items as unknown[])[Number(step)]
      offset = (node as ParsedNode | undefined)?.range?.[0] ?? offset
    } else return offset
  }
  return offset
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema
  for (const step of path) {
    at = unwrap(at)
    if (at instanceof z.ZodObject) at = at.shape[String(step)]
    else if (at instanceof z.ZodRecord) at = at.valueType
    else if (at instanceof z.ZodArray) at = at.element
  }
  at = unwrap(at)
  if (at instanceof z.ZodObject) return Object.keys(at.shape)
  if (at instanceof z.ZodRecord && at.keyType instanceof z.ZodEnum) return at.keyType.options.map(String)
  return []
}

function unwrap(schema: unknown): unknown {
  let at = schema
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault)
    at = at.unwrap()
  return at
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step],
    value,
  )
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index ? '.' : ''}${String(step)}`))
    .join('')
}
