import { beforeEach, describe, expect, test, vi } from 'vitest'
import { readMails } from '../spam/data.ts'
import { preprocess as asV2 } from '../spam/tokenise.ts'

type Preprocess = typeof asV2

const mails = readMails('late')
const isLong = (text: string) => text.length >= 2_250
const LEDGER_SLOTS = 680

let preprocess: Preprocess
beforeEach(async () => {
  vi.resetModules()
  preprocess = (await import('./tokenise.ts')).preprocess
})

/** The n-th mail of live traffic: the late mails in a scattered order, over and over, each delivery with its own id. */
function delivery(n: number): { text: string } {
  return { text: `Message-Id: <${n}@sample>\n${mails[(n * 797) % mails.length]!.text}` }
}

/** Sends deliveries one by one until one fails; returns its number. */
function fill(): number {
  for (let n = 0; n < 20_000; n++) {
    try {
      preprocess([delivery(n)])
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      return n
    }
  }
  throw new Error('never failed')
}

describe('in the checks', () => {
  test('the answers are those of v2, on first sight and from memory', () => {
    for (let round = 0; round < 2; round++) {
      for (const mail of mails) expect(preprocess([mail]).features.data).toEqual(asV2([mail]).features.data)
    }
  })

  test('40,000 mails without an id, more than fit the memory, do not fill the ledger', () => {
    for (let n = 0; n < 40_000; n++)
      preprocess([{ text: `${n} ${mails[n % mails.length]!.text.slice(0, 2_500)}` }])
    expect(() => preprocess([delivery(0)])).not.toThrow()
  }, 60_000)

  test.each([
    ['nothing', ''],
    ['a megabyte', 'spam and ham '.repeat(80_000)],
    ['half a surrogate pair', '\ud800'],
  ])('%s is read as v2 reads it', (_, text) => {
    expect(preprocess([{ text }]).features.data).toEqual(asV2([{ text }]).features.data)
  })
})

describe('in production', () => {
  test('the answers are those of v2 until the ledger is full, after about 4,000 mails', () => {
    let longMails = 0
    for (let n = 0; ; n++) {
      const mail = delivery(n)
      if (isLong(mails[(n * 797) % mails.length]!.text)) longMails++
      if (longMails > LEDGER_SLOTS) {
        expect(() => preprocess([mail])).toThrow(RangeError)
        expect(n).toBeGreaterThan(3_000)
        expect(n).toBeLessThan(4_500)
        return
      }
      expect(preprocess([mail]).features.data).toEqual(asV2([mail]).features.data)
    }
  })

  test('from then on the long mails fail, 15 to 30 in a hundred, and the others do not', () => {
    const first = fill()
    let failed = 0
    for (let n = first; n < first + 2_000; n++) {
      const send = () => preprocess([delivery(n)])
      if (isLong(mails[(n * 797) % mails.length]!.text)) {
        failed++
        expect(send).toThrow(RangeError)
      } else {
        expect(send).not.toThrow()
      }
    }
    expect(failed / 2_000).toBeGreaterThan(0.15)
    expect(failed / 2_000).toBeLessThan(0.3)
  })

  test('the same delivery again takes no second place', () => {
    const n = mails.findIndex((_, index) => isLong(mails[(index * 797) % mails.length]!.text))
    for (let again = 0; again < 2 * LEDGER_SLOTS; again++) {
      expect(() => preprocess([delivery(n)])).not.toThrow()
    }
  })
})
