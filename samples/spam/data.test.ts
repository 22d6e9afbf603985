import { describe, expect, test } from 'vitest'
import { readMails } from './data.ts'
import { findRepeats, normalise } from './near-duplicates.ts'
import { type LabelledMail, MAX_TEXT_CHARS, prepare, toJsonLines } from './prepare.ts'

const early = readMails('early')
const late = readMails('late')
const all = [...early, ...late]

// The packed bytes depend on the zlib that Node was built with; what is packed does not.
test('the files are what prepare.ts makes of the corpus, byte for byte once unpacked', () => {
  const made = prepare()
  expect(toJsonLines(made.early) === toJsonLines(early)).toBe(true)
  expect(toJsonLines(made.late) === toJsonLines(late)).toBe(true)
})

describe.each([
  ['early', early, 2_879, 1_271],
  ['late', late, 2_229, 362],
] as const)('%s', (_, mails, count, spam) => {
  test('has the counts that its README says', () => {
    expect([mails.length, mails.filter((mail) => mail.label === 'spam').length]).toEqual([count, spam])
  })

  test('every line is whole', () => {
    const odd = mails.filter((mail) => !isWhole(mail))
    expect(odd).toEqual([])
  })

  test('stands in order of arrival', () => {
    expect(mails.map((mail) => mail.at)).toEqual(mails.map((mail) => mail.at).sort())
  })
})

describe('between the splits', () => {
  test('all early mail arrived before all late mail', () => {
    expect(early.at(-1)!.at < late[0]!.at).toBe(true)
  })

  test('no id and no text comes twice, digits and punctuation aside', () => {
    expect(new Set(all.map((mail) => mail.id)).size).toBe(all.length)
    expect(new Set(all.map((mail) => normalise(mail.text))).size).toBe(all.length)
  })

  test('no late mail shares most of its words in order with an early one', () => {
    const repeats = findRepeats(
      early.map((mail) => mail.text),
      late.map((mail) => mail.text),
      0.6,
    )
    expect(repeats.filter(Boolean)).toEqual([])
  })
})

test.each([
  ['the addresses of the collector', /taint\.org|netnoteinc\.com|jmason\.org/i],
  ['his aliases, one per label', /\b(?:y{4}|z{4})\b/i],
  ['the report of the filter', /^SPAM: /m],
  ['the mark of the filter in a subject', /\*{3,}\s*SPAM\s*\*{3,}/i],
  ['the headers of the filter', /^X-Spam-/m],
  ['the footer of the list of reported spam', /DeathToSpamDeathToSpam|Spamassassin-Sightings mailing list/i],
])('no text holds %s', (_, trace) => {
  expect(all.filter((mail) => trace.test(mail.text)).map((mail) => mail.id)).toEqual([])
})

describe('near-duplicates', () => {
  const letter = (name: string, offer: string) =>
    `Dear ${name}, this is the last letter you will ever need about mortgages. Rates have never been so low, and we
     have chosen you out of many to profit from ${offer}. Answer today, for tomorrow it is too late for all of us.`
  test.each([
    ['itself', letter('Ann', 'this'), letter('Ann', 'this'), true],
    ['another number and link', letter('Ann', '1 http://a.b/c'), letter('Ann', '2 http://d.e/f'), true],
    ['another name', letter('Ann', 'this'), letter('Bob', 'this'), true],
    [
      'another letter',
      letter('Ann', 'this'),
      'The build failed last night; see the log for the first error.',
      false,
    ],
  ])('%s', (_, before, after, isRepeat) => {
    expect(findRepeats([before], [after], 0.6)).toEqual([isRepeat])
  })
})

function isWhole(mail: LabelledMail): boolean {
  return (
    Object.keys(mail).join() === 'id,at,label,text' &&
    /^(?:easy-ham|hard-ham|spam)-[12]\/\d{5}$/.test(mail.id) &&
    mail.label === (mail.id.startsWith('spam') ? 'spam' : 'ham') &&
    new Date(mail.at).toISOString() === mail.at &&
    mail.text.startsWith('Subject:') &&
    mail.text.length <= MAX_TEXT_CHARS &&
    mail.text.isWellFormed()
  )
}
