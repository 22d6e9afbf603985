import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import { SlipwayError } from '../../kernel/index.ts'
import { filesOf, type Imported, isWhole, stepsOf } from '../import/imported.ts'
import type { ReportLine } from '../import/ledger.ts'
import { importLiteLlm } from '../import/litellm.ts'
import { importPortkey } from '../import/portkey.ts'
import { styled } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

/** Other gateways' configurations as files of ours. */
export function addImportCommands(program: Command): void {
  const group = program
    .command('import')
    .description('turn another gateway’s configuration into files, and say line by line what becomes of it')
  group
    .command('litellm <config>')
    .description('a LiteLLM proxy’s config.yaml')
    .option('--out <folder>', 'write the files there')
    .addHelpText('after', '\nExample:\n  $ slipway import litellm samples/llm/litellm.yaml --out imported')
    .action((file: string, wanted: ImportWanted, command: Command) =>
      run(file, wanted, command.optsWithGlobals(), (text) =>
        importLiteLlm(text, { file: basename(file), today: new Date().toISOString().slice(0, 10) }),
      ),
    )
  group
    .command('portkey <config>')
    .description('a Portkey gateway’s config.json; it becomes one model')
    .option('--out <folder>', 'write the files there')
    .option('--model <name>', 'what the model is called (default: as the file)')
    .addHelpText(
      'after',
      '\nExample:\n  $ slipway import portkey config.json --model support_chat --out imported',
    )
    .action((file: string, wanted: ImportWanted, command: Command) =>
      run(file, wanted, command.optsWithGlobals(), (text) =>
        importPortkey(text, {
          file: basename(file),
          model: wanted.model ?? basename(file).replace(/\.[^.]*$/, ''),
        }),
      ),
    )
}

interface ImportWanted {
  readonly out?: string
  readonly model?: string
}

async function run(
  file: string,
  { out }: ImportWanted,
  options: GlobalOptions,
  convert: (text: string) => Imported,
): Promise<void> {
  const { output } = openSession(options)
  const imported = convert(await readFile(file, 'utf8'))
  const files = filesOf(imported)
  if (out !== undefined) await writeAll(out, files, options.yes === true)
  output.result({
    ...imported,
    files: [...files.keys()],
    steps: stepsOf(imported),
    isWhole: isWhole(imported),
  })
  for (const line of imported.report) output.line(lineOf(line))
  output.line()
  for (const name of imported.secretsToSet)
    output.line(`${styled('yellow', '!')} set ${name} in the gateway's environment`)
  if (out === undefined)
    output.line(`Nothing is written; with --out <folder>: ${[...files.keys()].join(', ') || 'no file'}`)
  else {
    output.line(`${styled('green', '✔')} ${files.size} files in ${out}; read them, then in that folder:`)
    for (const step of stepsOf(imported)) output.line(`  ${step}`)
  }
  if (!isWhole(imported)) process.exitCode = 1
}

const SIGNS = {
  kept: styled('green', '✔ kept'),
  changed: styled('yellow', '~ changed'),
  'not-preserved': styled('red', '✘ not preserved'),
}

function lineOf({ line, outcome, path, to, why }: ReportLine): string {
  const place = line === undefined ? path : `line ${line} ${path}`
  return [
    `${place}: ${SIGNS[outcome]}`,
    to === undefined ? '' : ` → ${to}`,
    why === undefined ? '' : `. ${why}`,
  ].join('')
}

/** All or nothing as far as names go: a file that stands there is only replaced with `--yes`. */
async function writeAll(
  folder: string,
  files: ReadonlyMap<string, string>,
  mayReplace: boolean,
): Promise<void> {
  const standing = [...files.keys()].filter((name) => existsSync(join(folder, name)))
  if (standing.length > 0 && !mayReplace)
    throw new SlipwayError('conflict', { what: `${join(folder, standing[0] as string)}` })
  for (const [name, text] of files) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}
