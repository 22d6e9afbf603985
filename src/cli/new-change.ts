import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { SlipwayError } from '../kernel/index.ts'
import { styled } from './output.ts'
import { type GlobalOptions, openSession } from './session.ts'

interface Question {
  readonly name: 'model' | 'label' | 'artifact' | 'preprocess' | 'hypothesis' | 'goal' | 'golden'
  readonly ask: string
  readonly fallback: string
}

const QUESTIONS: readonly Question[] = [
  { name: 'model', ask: 'Which model changes?', fallback: 'spam_filter' },
  { name: 'label', ask: 'What is the candidate called?', fallback: 'v2' },
  { name: 'artifact', ask: 'Where is its ONNX file?', fallback: './model.onnx' },
  { name: 'preprocess', ask: 'Where is its preprocessing (empty: as the champion’s)?', fallback: '' },
  { name: 'hypothesis', ask: 'Why should it be better?', fallback: 'Retrained on newer data.' },
  {
    name: 'goal',
    ask: 'Which axis shall get better (cost, latency, accuracy, security, stability)?',
    fallback: 'accuracy',
  },
  { name: 'golden', ask: 'Which dataset judges it?', fallback: 'late' },
]

/** Asks the few things that only a person knows; the rest has defaults that the file shows. `--yes` takes them all. */
export async function writeNewChange(path: string, options: GlobalOptions): Promise<void> {
  if (existsSync(path)) throw new SlipwayError('conflict', { what: path })
  const answers = options.yes === true || !process.stdin.isTTY ? defaults() : await askAll()
  await writeFile(path, render(answers))
  const { output } = openSession(options)
  output.result({ file: path, ...answers })
  output.line(`${styled('green', '✔')} ${path} written. Next: slipway change plan ${path}`)
}

type Answers = Record<Question['name'], string>

function defaults(): Answers {
  return Object.fromEntries(QUESTIONS.map(({ name, fallback }) => [name, fallback])) as Answers
}

async function askAll(): Promise<Answers> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answers = defaults()
  try {
    for (const { name, ask, fallback } of QUESTIONS) {
      const said = (await terminal.question(`${ask}${fallback === '' ? '' : ` [${fallback}]`} `)).trim()
      answers[name] = said === '' ? fallback : said
    }
  } finally {
    terminal.close()
  }
  return answers
}

function render(answers: Answers): string {
  return `model: ${answers.model}
from: champion                 # or a version label
to:
  label: ${answers.label}
  engine: onnx
  artifact: ${answers.artifact}
${answers.preprocess === '' ? '' : `  preprocess: ${answers.preprocess}\n`}hypothesis: ${JSON.stringify(answers.hypothesis)}
goal: ${answers.goal}
margins: { accuracy: 1pp, stabilityFlips: 1pp, latencyP95: 10%, cost: 5% }
data: { golden: ${answers.golden} }
risk: same-family
rollout: { strategy: canary, steps: [1, 5, 25, 50, 100] }
`
}
