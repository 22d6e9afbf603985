import type { Guardrail } from '../../../contracts/index.ts'
import { type Finding, type SpanRule, withoutOverlaps } from '../rule.ts'
import { keyShapes } from './secrets.ts'

type PiiKind = Extract<Guardrail, { kind: 'pii' }>['detect'][number]

interface Detector {
  readonly shape: RegExp
  readonly maxMatch: number
  /** A shape alone says little of numbers; a check sum or a range says more. */
  readonly holds?: (text: string) => boolean
}

/**
 * Shapes with bounded repetition only, so that each is linear. Numbers are confirmed by what makes them such: Luhn
 * (ISO/IEC 7812-1) for cards, mod 97 (ISO 13616) for IBANs, ranges for SSNs and addresses. Names of persons are found
 * only where somebody gives theirs ("my name is …"): anything more needs a model.
 */
const detectors: Readonly<Record<PiiKind, readonly Detector[]>> = {
  email: [
    {
      shape: /[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}\b/g,
      maxMatch: 128,
    },
  ],
  phone: [
    {
      shape: /(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){2,4}(?![\w.])/g,
      maxMatch: 32,
      holds: (text) => {
        const digits = text.replace(/\D/g, '').length
        return digits >= 9 && digits <= 15 && !isDate(text) && !/^\d{3}-\d{2}-\d{4}$/.test(text)
      },
    },
    { shape: /(?<!\w)\+\d{9,15}(?!\w)/g, maxMatch: 16 },
  ],
  'credit-card': [{ shape: /(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)/g, maxMatch: 38, holds: isCardNumber }],
  iban: [
    {
      shape: /\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b/g,
      maxMatch: 42,
      holds: isIban,
    },
  ],
  ssn: [
    {
      shape: /(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])/g,
      maxMatch: 11,
      holds: (text) => !/^(000|666|9\d\d)/.test(text) && !/-00-/.test(text) && !text.endsWith('-0000'),
    },
  ],
  'ip-address': [
    {
      shape: /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g,
      maxMatch: 15,
      holds: (text) => text.split('.').every((part) => Number(part) <= 255),
    },
  ],
  'person-name': [
    {
      shape:
        /(?<=\b(?:[Mm]y name is|[Ii] am called|[Mm]e llamo|[Ii]ch heiße) )[A-ZÀ-Þ][\p{L}'-]{1,30}(?: [A-ZÀ-Þ][\p{L}'-]{1,30}){0,2}/gu,
      maxMatch: 96,
    },
  ],
  'api-key': keyShapes.map(({ maxMatch, shape }) => ({ shape, maxMatch })),
}

export function piiRule(detect: readonly PiiKind[]): SpanRule {
  const wanted = detect.flatMap((label) => detectors[label].map((detector) => ({ label, ...detector })))
  return {
    kind: 'spans',
    maxMatch: Math.max(...wanted.map(({ maxMatch }) => maxMatch)),
    find(text) {
      const findings: Finding[] = []
      for (const { holds, label, shape } of wanted)
        for (const match of text.matchAll(shape))
          if (holds === undefined || holds(match[0]))
            findings.push({ from: match.index, to: match.index + match[0].length, label })
      return withoutOverlaps(findings)
    },
  }
}

function isDate(text: string): boolean {
  return /^\d{4}[ .-]\d{2}[ .-]\d{2}/.test(text) || /^\d{2}[ .-]\d{2}[ .-]\d{4}/.test(text)
}

export function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  if (digits.length < 13 || digits.length > 19 || /^(\d)\1+$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

export function isIban(text: string): boolean {
  const compact = text.replace(/ /g, '')
  if (compact.length < 15 || compact.length > 34) return false
  let rest = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}
