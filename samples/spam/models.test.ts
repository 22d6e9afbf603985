import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readMails } from './data.ts'
import type { LabelledMail } from './prepare.ts'
import { preprocess } from './tokenise.ts'

const SAMPLES = join(import.meta.dirname, '..')
const BATCH = 256

interface Answers {
  readonly labels: readonly number[]
  readonly probabilities: readonly number[]
}

describe.each([
  ['early', readMails('early')],
  ['late', readMails('late')],
] as const)('on %s mail', (split, mails) => {
  const right: Record<string, readonly boolean[]> = {}
  const answers: Record<string, Answers> = {}

  beforeAll(async () => {
    for (const [name, file] of [
      ['v1', 'spam/spam-v1.onnx'],
      ['v2', 'spam/spam-v2.onnx'],
      ['v3', 'looks-better/spam-v3.onnx'],
    ] as const) {
      answers[name] = await answer(file, mails)
      right[name] = mails.map(
        (mail, index) => answers[name]!.labels[index] === (mail.label === 'spam' ? 1 : 0),
      )
    }
  })

  test('a probability is one, and the label is its side of a half', () => {
    for (const { labels, probabilities } of Object.values(answers)) {
      expect(labels).toHaveLength(mails.length)
      expect(probabilities.every((probability) => probability >= 0 && probability <= 1)).toBe(true)
      expect(labels).toEqual(probabilities.map((probability) => (probability > 0.5 ? 1 : 0)))
    }
  })

  if (split === 'early') {
    test('all look good where they were trained, and v3 catches every spam there', () => {
      expect(accuracy(right.v1!)).toBeCloseTo(0.983, 3)
      expect(accuracy(right.v2!)).toBeCloseTo(0.999, 3)
      expect(accuracy(right.v3!)).toBeCloseTo(0.997, 3)
      expect(caught(right.v3!, mails)).toBe(1)
    })
    return
  }

  test('v2 is more accurate than v1 by more than 3 points, item by item', () => {
    expect(accuracy(right.v1!)).toBeCloseTo(0.896, 3)
    expect(accuracy(right.v2!)).toBeCloseTo(0.966, 3)
    expect(flips(right.v1!, right.v2!)).toEqual({ fixed: 172, broken: 15 })
  })

  test('v3 catches more spam than v2, and is worse', () => {
    expect(caught(right.v2!, mails)).toBeCloseTo(0.942, 3)
    expect(caught(right.v3!, mails)).toBeCloseTo(0.983, 3)
    expect(accuracy(right.v3!)).toBeCloseTo(0.9345, 4)
    expect(flips(right.v2!, right.v3!)).toEqual({ fixed: 15, broken: 86 })
  })

  test('v2 beats the guess that nothing is spam', () => {
    const ham = mails.filter((mail) => mail.label === 'ham').length
    expect(accuracy(right.v2!)).toBeGreaterThan(ham / mails.length + 0.1)
  })
})

test.each(['spam', 'looks-better', 'slow-burn'])(
  'the files that %s/change.yaml names are there',
  (sample) => {
    const file = join(SAMPLES, sample, 'change.yaml')
    const { to } = parse(readFileSync(file, 'utf8')) as { to: { artifact: string; preprocess: string } }
    for (const path of [to.artifact, to.preprocess]) {
      expect(statSync(join(dirname(file), path)).size).toBeLessThan(500_000)
    }
  },
)

test('the model file names its outputs as the artifact does', async () => {
  const model = parse(readFileSync(join(SAMPLES, 'spam/model.yaml'), 'utf8')) as {
    contract: { outputs: { name: string }[] }
    champion: { artifact: string }
  }
  const session = await InferenceSession.create(join(SAMPLES, 'spam', model.champion.artifact))
  expect(model.contract.outputs.map((output) => output.name)).toEqual(session.outputNames)
  expect(session.inputNames).toEqual(['features'])
})

async function answer(file: string, mails: readonly LabelledMail[]): Promise<Answers> {
  const session = await InferenceSession.create(join(SAMPLES, file), { intraOpNumThreads: 1 })
  const labels: number[] = []
  const probabilities: number[] = []
  for (let start = 0; start < mails.length; start += BATCH) {
    const { shape, data } = preprocess(mails.slice(start, start + BATCH)).features
    const output = await session.run({ features: new Tensor('float32', data, shape) })
    labels.push(...Array.from(output.label!.data as BigInt64Array, Number))
    probabilities.push(...(output.spam_probability!.data as Float32Array))
  }
  return { labels, probabilities }
}

function accuracy(right: readonly boolean[]): number {
  return right.filter(Boolean).length / right.length
}

/** Share of the spam that was called spam. */
function caught(right: readonly boolean[], mails: readonly LabelledMail[]): number {
  return accuracy(right.filter((_, index) => mails[index]!.label === 'spam'))
}

function flips(before: readonly boolean[], after: readonly boolean[]) {
  return {
    fixed: before.filter((wasRight, index) => !wasRight && after[index]).length,
    broken: before.filter((wasRight, index) => wasRight && !after[index]).length,
  }
}
