import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { verifyBundleFile } from '../../apps/index.ts'
import { styled } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

export function addVerifyCommand(program: Command): void {
  program
    .command('verify <bundle>')
    .description('recompute a change’s verdict from its raw evidence, offline')
    .addHelpText(
      'after',
      '\nExample:\n  $ slipway change report c-7f3a --bundle bundle.json && slipway verify bundle.json',
    )
    .action((path: string, _, command: Command) => verify(path, command.optsWithGlobals()))
}

async function verify(path: string, options: GlobalOptions): Promise<void> {
  const { output } = openSession(options)
  const result = await verifyBundleFile(await readFile(path, 'utf8'))
  output.result(result)
  if (result.ok) output.line(`${styled('green', '✔')} ${result.summary}`)
  else {
    output.line(`${styled('red', '✘')} The bundle does not verify:`)
    for (const problem of result.problems.slice(0, 20)) output.line(`  ${problem}`)
    process.exitCode = 1
  }
  for (const open of result.open) output.line(`${styled('yellow', '!')} not recomputed: ${open}`)
}
