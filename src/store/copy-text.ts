/**
 * COPY's text format: one row a line, columns by tab, `\N` for null (PostgreSQL manual, COPY, "Text Format").
 * PostgreSQL holds neither U+0000 nor half a surrogate pair; both become U+FFFD.
 */
export function copyLine(values: readonly (string | number | null)[]): string {
  let line = ''
  for (const [index, value] of values.entries()) {
    if (index > 0) line += '\t'
    if (value === null) line += '\\N'
    else line += typeof value === 'number' ? String(value) : escaped(value)
  }
  return `${line}\n`
}

/** Nearly all texts of a request log hold nothing special; one test is cheaper than a rewriting. */
const SPECIAL = /[\0\b\t\n\v\f\r\\]/

function escaped(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  return SPECIAL.test(wellFormed) ? wellFormed.replace(ALL_SPECIAL, (found) => ESCAPES[found]!) : wellFormed
}

const ALL_SPECIAL = /[\0\b\t\n\v\f\r\\]/g
const ESCAPES: Record<string, string> = {
  '\0': '\uFFFD',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
}
