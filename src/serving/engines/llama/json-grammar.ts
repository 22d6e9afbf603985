/**
 * JSON Schema (2020-12, the part that a context-free grammar can hold a model to) as GBNF, llama.cpp's grammar notation.
 *
 * What would be ignored silently is refused by its place instead. Objects come with their properties in the order of the
 * schema, optional ones may be missing; without `additionalProperties` nothing else is in them, as is usual for
 * structured answers. White space is at most one space after a colon or comma. `oneOf` is held to as `anyOf`:
 * a grammar cannot see that no second alternative fits.
 */
export class GrammarRefused extends Error {
  /** JSON pointer into the schema. */
  readonly place: string
  constructor(place: string, reason: string) {
    super(`${place === '' ? '/' : place}: ${reason}`)
    this.place = place
  }
}

type Schema = Readonly<Record<string, unknown>>

const MAX_RULES = 2000
const MAX_REPEATS = 1000

const PRIMITIVES: Readonly<Record<string, string>> = {
  space: '" "?',
  boolean: '"true" | "false"',
  null: '"null"',
  // At most 16 digits before the point: what a double holds, and no endless number.
  integral: '"0" | [1-9] [0-9]{0,15}',
  integer: '"-"? integral',
  number: '"-"? integral ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
  char: '[^"\\\\\\x00-\\x1F\\x7F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})',
  string: '"\\"" char* "\\""',
  'any-value': 'any-object | any-array | string | number | boolean | null',
  'any-member': 'string ":" space any-value',
  'any-object': '"{" (any-member ("," space any-member)*)? "}"',
  'any-array': '"[" (any-value ("," space any-value)*)? "]"',
  date: '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])',
  time: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
  uuid: '[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
}

const FORMATS: Readonly<Record<string, string>> = {
  date: '"\\"" date "\\""',
  time: '"\\"" time "\\""',
  'date-time': '"\\"" date "T" time "\\""',
  uuid: '"\\"" uuid "\\""',
}

/** Say something about a value without limiting it. */
const ANNOTATIONS = new Set(
  'title description default examples $schema $id $comment $anchor deprecated readOnly writeOnly $defs definitions'.split(
    ' ',
  ),
)

const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'format'],
  number: [],
  integer: [],
  boolean: [],
  null: [],
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
}

/** Any JSON object, as format `json` asks for. */
export function grammarOfJson(): string {
  return fileOf('any-object', new Map())
}

/** Throws `GrammarRefused`. */
export function grammarOfSchema(schema: Schema): string {
  const writer = new GrammarWriter(schema)
  const root = writer.rule(schema, '')
  return fileOf(root, writer.rules)
}

function fileOf(root: string, rules: ReadonlyMap<string, string>): string {
  const lines = [`root ::= ${root}`]
  for (const [name, body] of rules) lines.push(`${name} ::= ${body}`)
  for (const [name, body] of Object.entries(PRIMITIVES)) lines.push(`${name} ::= ${body}`)
  return `${lines.join('\n')}\n`
}

class GrammarWriter {
  readonly rules = new Map<string, string>()
  readonly #root: Schema
  readonly #references = new Map<string, string>()

  constructor(root: Schema) {
    this.#root = root
  }

  /** The name or expression that stands for the schema. */
  rule(schema: unknown, place: string): string {
    if (schema === true) return 'any-value'
    if (!isSchema(schema)) throw new GrammarRefused(place, 'this is no schema that a value can satisfy')
    if (schema.$ref !== undefined) return this.#reference(schema, place)
    for (const keyword of ['anyOf', 'oneOf'] as const)
      if (schema[keyword] !== undefined) return this.#alternatives(schema, keyword, place)
    if (schema.const !== undefined || schema.enum !== undefined) return this.#values(schema, place)
    const types = typesOf(schema, place)
    if (types === undefined) {
      refuseOthers(schema, [], place)
      return 'any-value'
    }
    refuseOthers(schema, ['type', ...types.flatMap((type) => KEYWORDS[type] ?? [])], place)
    return this.#add(types.map((type) => this.#typed(type, schema, place)).join(' | '), place)
  }

  #add(body: string, place: string): string {
    if (this.rules.size >= MAX_RULES) throw new GrammarRefused(place, 'the schema is too large for a grammar')
    const name = `r${this.rules.size}`
    this.rules.set(name, body)
    return name
  }

  #reference(schema: Schema, place: string): string {
    refuseOthers(schema, ['$ref'], place)
    const target = schema.$ref
    if (typeof target !== 'string' || !(target === '#' || target.startsWith('#/')))
      throw new GrammarRefused(
        `${place}/$ref`,
        'only places within the schema can be referred to, as #/$defs/name',
      )
    const known = this.#references.get(target)
    if (known !== undefined) return known
    const found = placeIn(this.#root, target)
    if (found === undefined) throw new GrammarRefused(`${place}/$ref`, `nothing is at ${target}`)
    const name = `ref${this.#references.size}`
    this.#references.set(target, name)
    const body = this.rule(found, target.slice(1))
    if (body === name) throw new GrammarRefused(`${place}/$ref`, 'the reference leads to itself')
    this.rules.set(name, body)
    return name
  }

  #alternatives(schema: Schema, keyword: 'anyOf' | 'oneOf', place: string): string {
    refuseOthers(schema, [keyword], place)
    const list = schema[keyword]
    if (!Array.isArray(list) || list.length === 0)
      throw new GrammarRefused(`${place}/${keyword}`, 'this must be a list of schemas')
    return this.#add(
      list.map((part, index) => this.rule(part, `${place}/${keyword}/${index}`)).join(' | '),
      place,
    )
  }

  #values(schema: Schema, place: string): string {
    refuseOthers(schema, ['const', 'enum', 'type'], place)
    const values = schema.const !== undefined ? [schema.const] : schema.enum
    if (!Array.isArray(values) || values.length === 0)
      throw new GrammarRefused(`${place}/enum`, 'this must be a list of values')
    return this.#add(values.map((value) => literal(JSON.stringify(value))).join(' | '), place)
  }

  #typed(type: string, schema: Schema, place: string): string {
    switch (type) {
      case 'object':
        return this.#object(schema, place)
      case 'array':
        return this.#array(schema, place)
      case 'string':
        return this.#string(schema, place)
      default:
        return type
    }
  }

  #string(schema: Schema, place: string): string {
    const format = schema.format
    const shortest = countOf(schema, 'minLength', place) ?? 0
    const longest = countOf(schema, 'maxLength', place)
    if (format !== undefined) {
      const rule = FORMATS[String(format)]
      if (rule === undefined) throw new GrammarRefused(`${place}/format`, `${String(format)} is not known`)
      if (shortest > 0 || longest !== undefined)
        throw new GrammarRefused(place, 'a format and a length cannot be asked for together')
      return rule
    }
    if (shortest === 0 && longest === undefined) return 'string'
    return `"\\"" char{${shortest},${longest ?? ''}} "\\""`
  }

  #array(schema: Schema, place: string): string {
    const fixed = (schema.prefixItems ?? []) as unknown[]
    if (!Array.isArray(fixed)) throw new GrammarRefused(`${place}/prefixItems`, 'this must be a list')
    const heads = fixed.map((part, index) => this.rule(part, `${place}/prefixItems/${index}`))
    const rest = schema.items
    const fewest = countOf(schema, 'minItems', place) ?? 0
    const most = countOf(schema, 'maxItems', place)
    if (heads.length === 0) {
      if (rest === false) return '"[" "]"'
      return listOf(this.rule(rest ?? true, `${place}/items`), fewest, most, place)
    }
    if (
      (rest !== undefined && rest !== false) ||
      fewest > heads.length ||
      (most ?? heads.length) < heads.length
    )
      throw new GrammarRefused(`${place}/prefixItems`, 'only with items: false, and of exactly that length')
    return `"[" ${heads.join(' "," space ')} "]"`
  }

  #object(schema: Schema, place: string): string {
    const properties = schema.properties ?? {}
    if (!isSchema(properties)) throw new GrammarRefused(`${place}/properties`, 'this must be an object')
    const required = new Set((schema.required ?? []) as string[])
    const members = Object.entries(properties).map(([name, part]) => ({
      isRequired: required.delete(name),
      text: `${literal(JSON.stringify(name))} ":" space ${this.rule(part, `${place}/properties/${escaped(name)}`)}`,
    }))
    const missing = [...required][0]
    if (missing !== undefined)
      throw new GrammarRefused(`${place}/required`, `${missing} is not among the properties`)
    const others = schema.additionalProperties ?? members.length === 0
    if (others === false) return `"{" ${this.#members(members, place)} "}"`
    const other = `string ":" space ${this.rule(others, `${place}/additionalProperties`)}`
    if (members.length === 0) return `"{" (${other} ("," space ${other})*)? "}"`
    throw new GrammarRefused(
      `${place}/additionalProperties`,
      'beside named properties only false can be held to',
    )
  }

  /** From each member on: what may follow when something stands before it, and when nothing does. */
  #members(members: readonly { isRequired: boolean; text: string }[], place: string): string {
    let after = '""'
    let first = '""'
    for (const { isRequired, text } of members.toReversed()) {
      const withIt = this.#add(`"," space ${text} ${after}`, place)
      const asFirst = this.#add(`${text} ${after}`, place)
      const nextAfter = isRequired ? withIt : this.#add(`${withIt} | ${after}`, place)
      first = isRequired ? asFirst : this.#add(`${asFirst} | ${first}`, place)
      after = nextAfter
    }
    return first
  }
}

function listOf(item: string, fewest: number, most: number | undefined, place: string): string {
  if (most === 0) return '"[" "]"'
  if (most !== undefined && most < fewest)
    throw new GrammarRefused(`${place}/maxItems`, 'this is less than minItems')
  const more = `("," space ${item}){${Math.max(0, fewest - 1)},${most === undefined ? '' : most - 1}}`
  return fewest === 0 ? `"[" (${item} ${more})? "]"` : `"[" ${item} ${more} "]"`
}

function typesOf(schema: Schema, place: string): string[] | undefined {
  const type = schema.type
  if (type === undefined) {
    if (schema.properties !== undefined || schema.required !== undefined) return ['object']
    return schema.items !== undefined || schema.prefixItems !== undefined ? ['array'] : undefined
  }
  const types = Array.isArray(type) ? type : [type]
  for (const one of types)
    if (typeof one !== 'string' || KEYWORDS[one] === undefined)
      throw new GrammarRefused(`${place}/type`, `${String(one)} is no type of JSON Schema`)
  if (types.length === 0) throw new GrammarRefused(`${place}/type`, 'no type is named')
  return types as string[]
}

function refuseOthers(schema: Schema, known: readonly string[], place: string): void {
  for (const keyword of Object.keys(schema)) {
    if (known.includes(keyword) || ANNOTATIONS.has(keyword)) continue
    throw new GrammarRefused(
      `${place}/${escaped(keyword)}`,
      'an answer cannot be held to this here; leave it out',
    )
  }
}

function countOf(schema: Schema, keyword: string, place: string): number | undefined {
  const count = schema[keyword]
  if (count === undefined) return
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > MAX_REPEATS)
    throw new GrammarRefused(`${place}/${keyword}`, `this must be a whole number from 0 to ${MAX_REPEATS}`)
  return count
}

function placeIn(root: Schema, pointer: string): unknown {
  let found: unknown = root
  for (const step of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return found
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 6901. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** As a quoted terminal of GBNF. */
function literal(text: string): string {
  const safe = text.replace(/["\\\n\r\t]/g, (char) => {
    if (char === '\n') return '\\n'
    if (char === '\r') return '\\r'
    return char === '\t' ? '\\t' : `\\${char}`
  })
  return `"${safe}"`
}
