/**
 * Writes the features of a data file for `train.py`, so that training and serving share one implementation.
 *
 *   node samples/spam/features.ts early <folder>
 *
 * `<folder>/features.f32` is row-major little-endian float32 [mails, buckets]; `<folder>/mails.json` names the shape
 * and, per mail, its id, arrival and label.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMails } from './data.ts'
import { preprocess } from './tokenise.ts'

const [split, folder] = process.argv.slice(2)
if ((split !== 'early' && split !== 'late') || folder === undefined) {
  console.error('usage: features.ts early|late <folder>')
  process.exit(3)
}
const mails = readMails(split)
const { shape, data } = preprocess(mails).features
writeFileSync(join(folder, 'features.f32'), new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
writeFileSync(
  join(folder, 'mails.json'),
  JSON.stringify({ shape, mails: mails.map(({ id, at, label }) => ({ id, at, label })) }),
)
