import { existsSync, readdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { dataFolder, lastLogLines } from '../../apps/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { type GlobalOptions, openSession } from '../session.ts'
import { integer } from './serving.ts'

export function addLogsCommand(program: Command): void {
  program
    .command('logs [process]')
    .description('what a process wrote; without a name, which there are')
    .option('-n, --lines <n>', 'how many lines from the end', integer, 40)
    .option('-f, --follow', 'go on as it writes')
    .addHelpText('after', '\nExample:\n  $ slipway logs gateway-0 -f')
    .action((name: string | undefined, options: { lines: number; follow?: boolean }, command: Command) =>
      logs(name, options, command.optsWithGlobals()),
    )
}

async function logs(
  name: string | undefined,
  wanted: { lines: number; follow?: boolean },
  options: GlobalOptions,
): Promise<void> {
  const { output, folder: root } = openSession(options)
  const folder = dataFolder(root)
  const names = existsSync(folder.logs)
    ? readdirSync(folder.logs)
        .filter((file) => file.endsWith('.log'))
        .map((file) => file.slice(0, -4))
    : []
  if (name === undefined) {
    output.result(names)
    for (const one of names) output.line(one)
    return
  }
  if (!names.includes(name))
    throw new SlipwayError('invalid_request', {
      reason: `There is no log of "${name}"; there are ${names.join(', ') || 'none yet'}.`,
    })
  const lines = lastLogLines(folder, name, wanted.lines)
  output.result(lines)
  for (const line of lines) output.line(line)
  if (wanted.follow === true) await follow(folder.logOf(name), (text) => process.stdout.write(text))
}

/** Reads on from the end until the process is stopped, past a rotation too: what was not read yet is in `.1` then. */
async function follow(path: string, write: (text: string) => void): Promise<never> {
  const file = await open(path)
  let position = (await file.stat()).size
  const buffer = Buffer.alloc(65_536)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    position += bytesRead
    if (bytesRead > 0) write(buffer.toString('utf8', 0, bytesRead))
    else if ((await file.stat()).size < position) {
      const rotated = await readFile(`${path}.1`).catch(() => Buffer.alloc(0))
      write(rotated.toString('utf8', position))
      position = 0
    } else await sleep(200)
  }
}
