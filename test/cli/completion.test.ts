import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestApi, type TestApi } from '../../src/api/testing/open-api.ts'
import { allCommands, createProgram } from '../../src/cli/program.ts'
import { sampleChange, withVersions } from '../../src/store/testing/samples.ts'

/** The printed scripts in the shells that they are for, on an API with a model and a change. */

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'slipway-completion-'))
let api: TestApi
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  api = await openTestApi()
  await withVersions(api.store)
  await api.store.changes.create(sampleChange('c-7f3a'), {
    at: 1,
    actor: 'a',
    type: 'change-proposed',
    data: {},
  })
  environment = {
    ...process.env,
    PATH: `${root}bin:${process.env.PATH}`,
    SLIPWAY_CONTROL_URL: api.url,
    SLIPWAY_GATEWAY_URL: api.url,
    SLIPWAY_KEY: await api.keyFor('read'),
  }
  writeFileSync(join(folder, 'change.yaml'), '')
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true })
})

const isHere = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0

/** What each shell offers when the tab key is pressed at the end of the line. */
const SHELLS: Readonly<Record<string, (line: string) => Promise<string[]>>> = {
  bash: async (line) => {
    const words = line.split(' ')
    return inShell(
      'bash',
      `eval "$(slipway completion bash)"
       COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
       complete -p slipway >/dev/null && _slipway && printf '%s\\n' "\${COMPREPLY[@]}"`,
      words,
    )
  },
  // Outside of its line editor, the functions that zsh would hand the words to are ours.
  zsh: async (line) =>
    inShell(
      'zsh',
      `compdef() { }
       compadd() { shift; print -rl -- "$@" }
       _describe() { print -rl -- "\${(@)\${(P)4}%%:*}" }
       _files() { print -rl -- *(N) }
       eval "$(slipway completion zsh)"
       words=("$@"); CURRENT=$#; _slipway`,
      line.split(' '),
    ),
  fish: async (line) =>
    inShell(
      'fish',
      'slipway completion fish | source; complete -C "$argv[1]" | string replace -r "\\t.*" ""; true',
      [line],
    ),
}

async function inShell(shell: string, script: string, given: string[]): Promise<string[]> {
  const first = shell === 'fish' ? [] : ['test']
  const { stdout } = await run(shell, ['-c', script, ...first, ...given], { env: environment, cwd: folder })
  return stdout.split('\n').filter((word) => word !== '')
}

describe.each(Object.keys(SHELLS))('%s', (shell) => {
  // bash is on every machine that runs the tests; the others are tested where they are installed.
  test.skipIf(shell !== 'bash' && !isHere(shell)).each([
    ['slipway ', ['up', 'change', 'completion'], ['run', '--json']],
    ['slipway ch', ['change'], ['up']],
    ['slipway change ', ['new', 'run', 'abort'], ['up']],
    ['slipway change r', ['run', 'report', 'resume'], ['new']],
    ['slipway --json change p', ['plan', 'pause'], ['new']],
    ['slipway --data x change p', ['plan', 'pause'], ['new']],
    ['slipway change run --', ['--detach', '--json', '--help'], ['--bundle']],
    ['slipway keys create shop --scope ', ['predict', 'approve'], ['shop']],
    ['slipway completion ', ['bash', 'zsh', 'fish'], ['up']],
    ['slipway change run ', ['change.yaml'], ['c-7f3a']],
    ['slipway change watch ', ['c-7f3a'], ['change.yaml']],
    ['slipway deploy ', ['spam_filter'], ['v1']],
    ['slipway deploy spam_filter ', ['v1', 'v2'], ['spam_filter']],
    ['slipway deploy --replicas 2 spam_filter v', ['v1', 'v2'], ['spam_filter']],
    ['slipway predict spam_filter {} --pin ', ['v1', 'v2'], ['--unit']],
    ['slipway status ', [], ['spam_filter', 'up', 'change.yaml']],
  ])('%s', async (line, offered, absent) => {
    const words = await SHELLS[shell]!(line)
    expect(words).toEqual(expect.arrayContaining(offered))
    const wanted = line.split(' ').at(-1)!
    // zsh keeps what fits; the two others are given what was typed.
    const fitting = shell === 'zsh' ? words.filter((word) => word.startsWith(wanted)) : words
    expect(fitting.filter((word) => (absent as string[]).includes(word))).toEqual([])
  })
})

test('every command and every option that is shown can be completed in bash', async () => {
  const { stdout } = await run('slipway', ['completion', 'bash'], { env: environment })
  for (const command of allCommands(createProgram()))
    for (const word of [
      command.name(),
      ...command.options.filter(({ hidden }) => !hidden).map(({ long }) => long),
    ])
      expect(stdout).toContain(word)
  expect(stdout).not.toContain('--names <')
})

test('where nothing runs, names are none and nothing is said', async () => {
  const env = { ...environment, SLIPWAY_CONTROL_URL: 'http://127.0.0.1:1' }
  const asked = await run('slipway', ['completion', 'bash', '--names', 'models'], { env })
  expect(asked).toEqual({ stdout: '', stderr: '' })
})

test('a shell that is not known is refused with those that are', async () => {
  await expect(run('slipway', ['completion', 'tcsh'], { env: environment })).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/tcsh.*bash, zsh, fish/),
  })
})
