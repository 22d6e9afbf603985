import { RE2JS } from 're2js'
import { SlipwayError } from '../../../kernel/index.ts'
import { type Finding, type SpanRule, withoutOverlaps } from '../rule.ts'

/** What a pattern of somebody's own may match at most; longer matches are cut there on a stream. */
const PATTERN_MATCH = 256

/** Words or phrases, whatever their case. One automaton for all of them, so ten thousand cost hardly more than ten. */
export function keywordsRule(words: readonly string[], wholeWords: boolean): SpanRule {
  const alternatives = words
    .toSorted((left, right) => right.length - left.length)
    .map((word) => RE2JS.quote(word))
  const edge = wholeWords ? '\\b' : ''
  // RE2's \b knows ASCII only; beside other letters the neighbours are looked at below.
  const pattern = RE2JS.compile(`(?:${alternatives.join('|')})`, RE2JS.CASE_INSENSITIVE)
  return {
    kind: 'spans',
    maxMatch: Math.max(...words.map((word) => word.length)) + 1,
    find: (text) =>
      matches(pattern, text, 'keyword').filter(
        ({ from, to }) => edge === '' || (!isLetter(text[from - 1]) && !isLetter(text[to])),
      ),
  }
}

/** Patterns in RE2's syntax: no back-references and no look-around, therefore linear for any text. */
export function regexRule(patterns: readonly string[]): SpanRule {
  const compiled = patterns.map((pattern, index) => {
    try {
      return RE2JS.compile(pattern)
    } catch (error) {
      throw new SlipwayError('invalid_request', {
        reason: `patterns.${index} is no RE2 pattern: ${(error as Error).message}`,
      })
    }
  })
  return {
    kind: 'spans',
    maxMatch: PATTERN_MATCH,
    find: (text) => withoutOverlaps(compiled.flatMap((pattern) => matches(pattern, text, 'pattern'))),
  }
}

function matches(pattern: RE2JS, text: string, label: string): Finding[] {
  const findings: Finding[] = []
  const matcher = pattern.matcher(text)
  while (matcher.find()) {
    const [from, to] = [matcher.start(), matcher.end()]
    if (to > from) findings.push({ from, to, label })
  }
  return findings
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character)
}
