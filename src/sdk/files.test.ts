import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { changeProposal, type Digest, textContract } from '../contracts/index.ts'
import { FileError, parseChangeFile, parseModelFile } from './index.ts'
import { editDistance, nearest } from './nearest.ts'

const changeYaml = `# the sample
model: spam_filter
from: champion
to:
  label: v2
  engine: onnx
  artifact: ./spam-v2.onnx
  preprocess: ./tokenise.ts
  batching: { maxBatchSize: 32, maxQueueDelayMs: 5 }
hypothesis: Retraining on the later mail fixes the drift seen since March.
goal: accuracy
margins: { latencyP95: 10%, cost: 5 %, stabilityFlips: 1pp }
data: { golden: spam-assassin@late, holdout: true }
risk: same-family
rollout:
  strategy: canary
  steps: [1, 5, 25, 50, 100]
  guards: [errors, latencyP99, refusals]
  guardMargins: { errors: 0.5pp }
`
const modelYaml = `model: spam_filter
description: Tells spam from wanted mail.
owner: platform
task: classification
contract: { inputs: [{ name: text, dtype: string, shape: [] }], outputs: [{ name: label, dtype: int64, shape: [] }] }
classes: [ham, spam]
champion: { label: v1, engine: onnx, artifact: ./spam-v1.onnx, preprocess: ./tokenise.ts }
datasets:
  late: { file: ./data/late.jsonl.gz, input: text, label: label, at: at }
traffic: { dataset: late }
`
const digest = `sha256:${'a'.repeat(64)}` as Digest
const reference = (name: string) => ({ digest, name })

describe('versions of text', () => {
  const champion =
    'champion: { label: v1, engine: openai, provider: house, modelName: small, prompt: ./answer.md }'

  test('a model file without a contract is a model of text, and its prompt is read from the file it names', () => {
    const file = parseModelFile(`model: chat\n${champion}\n`)
    expect(file.texts).toEqual([{ path: './answer.md', pointer: '/champion/prompt' }])
    const spec = file.champion.spec(new Map(), new Map([['/champion/prompt', 'Be brief.']]))
    expect(spec).toMatchObject({ engine: 'openai', prompt: 'Be brief.', contract: textContract })
    expect(file.model.contract).toEqual(textContract)
  })

  test.each([
    ['the words themselves', 'prompt: Be kind.', 'Be kind.'],
    ['words with a slash in them', 'prompt: Answer and/or ask.', 'Answer and/or ask.'],
    ['a file', 'prompt: ../prompts/kind.md', 'as read'],
  ])('a change may give %s', (_, prompt, expected) => {
    const file = parseChangeFile(
      `model: chat\nto: { label: v2, sampling: { temperature: 0.2 }, ${prompt} }\nhypothesis: Kinder.\ngoal: accuracy\ndata: { golden: chat@golden }\n`,
    )
    const texts = new Map(file.texts.map(({ pointer }) => [pointer, 'as read']))
    expect(file.proposal(new Map(), texts).to).toEqual({
      label: 'v2',
      sampling: { temperature: 0.2 },
      prompt: expected,
    })
  })
})

describe('change.yaml', () => {
  test('units become fractions, files become digests, the rest is as written', () => {
    const file = parseChangeFile(changeYaml)
    expect(file.files).toEqual([
      { path: './spam-v2.onnx', pointer: '/to/artifact' },
      { path: './tokenise.ts', pointer: '/to/preprocess' },
    ])
    const proposal = file.proposal(
      new Map([
        ['/to/artifact', reference('spam-v2.onnx')],
        ['/to/preprocess', reference('tokenise.ts')],
      ]),
    )
    expect(changeProposal.parse(proposal)).toEqual(proposal)
    expect(proposal.margins).toEqual({ latencyP95: 0.1, cost: 0.05, stabilityFlips: 0.01, accuracy: 0.01 })
    expect(proposal.rollout.guardMargins).toEqual({ errors: 0.005 })
    expect(proposal.to.artifact).toEqual(reference('spam-v2.onnx'))
  })

  test.each([
    ['an unknown key', 'goal:', 'gaol:', 11, '"gaol" is not known here.', 'Did you mean "goal"?'],
    [
      'an unknown key inside',
      'latencyP95',
      'latencyP59',
      12,
      '"latencyP59" is not known in margins.',
      'Did you mean "latencyP95"?',
    ],
    [
      'a misspelt word',
      'accuracy',
      'acuracy',
      11,
      'goal is "acuracy", which is not one of',
      'Did you mean "accuracy"?',
    ],
    [
      'a word in a list',
      'latencyP99,',
      'latencyP90,',
      18,
      'rollout.guards[1] is "latencyP90"',
      'Did you mean "latencyP95"?',
    ],
    [
      'a number without unit',
      '10%',
      '0.1',
      12,
      'margins.latencyP95: 0.1 has no unit; it is counted in percent',
      'Write 10% for a tenth.',
    ],
    [
      'the wrong unit',
      '1pp',
      '1%',
      12,
      'margins.stabilityFlips: "1%" is not in percentage points',
      'Write 1pp for one percentage point.',
    ],
    ['a unit that is none', '10%', '10ms', 12, 'is not in percent', 'Write 10%'],
    ['a margin of zero', '10%', '0%', 12, 'must be above zero', 'Write 10%'],
    ['a margin past its limit', '1pp }\ndata', '60pp }\ndata', 12, 'margins.stabilityFlips', 'limits'],
    ['steps that shrink', '[1, 5, 25', '[1, 25, 5', 17, 'step 5 does not grow over 25.', 'growing'],
    ['steps that end early', '50, 100]', '50]', 17, 'the last step is 50 %', 'End the steps with 100.'],
    ['a guard twice', 'refusals]', 'errors]', 18, 'errors is watched twice.', 'once'],
    [
      'a margin nobody watches',
      '{ errors: 0.5pp }',
      '{ timeouts: 0.5pp }',
      19,
      'timeouts has a margin',
      'Add timeouts to guards',
    ],
    [
      'a goal nothing measures',
      'goal: accuracy',
      'goal: security',
      11,
      'no check measures security yet',
      'One of',
    ],
    ['a missing field', 'goal: accuracy\n', '', 2, 'goal is missing.', 'One of'],
    ['broken YAML', 'from: champion', 'from: [champion', 4, 'not YAML', 'indentation'],
    ['a key twice', 'from: champion', 'model: again', 3, 'not YAML: Map keys must be unique', 'Check'],
    ['a bad label', 'label: v2', 'label: "v 2"', 5, 'to.label: A version label is', 'See docs'],
  ])('%s is refused at its line', (_, from, to, line, reason, hint) => {
    const broken = changeYaml.replace(from, to)
    expect(broken).not.toBe(changeYaml)
    const error = refusal(() => parseChangeFile(broken, 'a/change.yaml'))
    expect(error).toMatchObject({ code: 'change_file_invalid', file: 'a/change.yaml', line })
    expect(error.reason).toContain(reason)
    expect(error.hint).toContain(hint)
  })

  test('a bomb of aliases is refused, not expanded', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`
    expect(refusal(() => parseChangeFile(bomb)).reason).toContain('not YAML')
  })

  property.prop([fc.nat(changeYaml.length - 1), fc.string({ maxLength: 6 }), fc.nat(12)])(
    'whatever is typed into it, the answer is a change or a refusal with a line of the file',
    (at, typed, removed) => {
      const text = changeYaml.slice(0, at) + typed + changeYaml.slice(at + removed)
      try {
        parseChangeFile(text)
      } catch (error) {
        expect(error).toBeInstanceOf(FileError)
        expect((error as FileError).line).toBeGreaterThanOrEqual(1)
        expect((error as FileError).line).toBeLessThanOrEqual(text.split(/\r\n|\n|\r/).length + 1)
        expect((error as FileError).hint).not.toBe('')
      }
    },
  )
})

test.each(['spam', 'looks-better', 'slow-burn'])('the sample change %s is read', (name) => {
  const text = readFileSync(new URL(`../../samples/${name}/change.yaml`, import.meta.url), 'utf8')
  const file = parseChangeFile(text, `samples/${name}/change.yaml`)
  expect(file.model).toBe('spam_filter')
  expect(file.files.map(({ pointer }) => pointer)).toEqual(['/to/artifact', '/to/preprocess'])
})

test('the sample model is read', () => {
  const text = readFileSync(new URL('../../samples/spam/model.yaml', import.meta.url), 'utf8')
  expect(parseModelFile(text).datasets.map(({ path }) => path)).toEqual(['./data/late.jsonl.gz'])
})

describe('model.yaml', () => {
  test('gives the model, its champion, and items from the lines of its data', () => {
    const file = parseModelFile(modelYaml)
    expect(file.model).toMatchObject({
      model: 'spam_filter',
      classes: ['ham', 'spam'],
      captureFailures: true,
    })
    expect(file.files.map((wanted) => wanted.path)).toEqual(['./spam-v1.onnx', './tokenise.ts'])
    const spec = file.champion.spec(
      new Map([
        ['/champion/artifact', reference('spam-v1.onnx')],
        ['/champion/preprocess', reference('tokenise.ts')],
      ]),
    )
    expect(spec).toMatchObject({ engine: 'onnx', threads: 1, artifact: reference('spam-v1.onnx') })
    const [late] = file.datasets
    expect(late?.item({ id: 'x/1', at: '2002-08-23', label: 'ham', text: 'hi' }, 1)).toEqual({
      id: 'x/1',
      at: '2002-08-23',
      inputs: { text: 'hi' },
      label: 'ham',
    })
    expect(() => late?.item({ id: 'x/1', at: '2002-08-23', label: 'ham' }, 1)).toThrow(
      'it has no field "text"',
    )
    expect(file.traffic).toEqual({ dataset: 'late', requestsPerSecond: undefined })
  })

  test.each([
    ['a dtype', 'dtype: string', 'dtype: sting', 5, 'Did you mean "string"?'],
    ['a dataset nobody wrote', 'dataset: late', 'dataset: lat', 10, 'Datasets: late.'],
    ['an onnx champion without file', 'artifact: ./spam-v1.onnx, ', '', 7, 'Add artifact'],
    ['a key of a dataset', 'input: text', 'inptu: text', 9, 'Did you mean "input"?'],
  ])('%s is refused at its line', (_, from, to, line, hint) => {
    const error = refusal(() => parseModelFile(modelYaml.replace(from, to)))
    expect(error.line).toBe(line)
    expect(error.hint).toContain(hint)
  })
})

test.each([
  ['latncyP95', 'latencyP95'],
  ['stabiltyFlips', 'stabilityFlips'],
  ['price', undefined],
])('the word nearest to %s is %s', (written, meant) =>
  expect(nearest(written, ['accuracy', 'stabilityFlips', 'latencyP95', 'cost'])).toBe(meant),
)

property.prop([fc.string(), fc.string()])(
  'edit distance counts: zero only to itself, the same both ways',
  (a, b) => {
    expect(editDistance(a, a)).toBe(0)
    expect(editDistance(a, b)).toBe(editDistance(b, a))
    expect(editDistance(a, b) === 0).toBe(a === b)
    expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
  },
)

function refusal(act: () => unknown): FileError {
  try {
    act()
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
