import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { LabelledMail } from './prepare.ts'

/** The mails of one data file, in order of arrival. */
export function readMails(split: 'early' | 'late'): LabelledMail[] {
  return gunzipSync(readFileSync(join(import.meta.dirname, 'data', `${split}.jsonl.gz`)))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LabelledMail)
}
