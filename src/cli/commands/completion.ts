import { Argument, type Command, Option } from 'commander'
import type { Client } from '../../sdk/index.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { type NameKind, nameKinds, wordTrees } from '../completion/word-tree.ts'
import { zshScript } from '../completion/zsh.ts'
import { type GlobalOptions, openSession } from '../session.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }
type Shell = keyof typeof SCRIPTS

/** Somebody waits with a finger on the tab key. */
const PATIENCE_MS = 1000
const MOST_NAMES = 200

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print what lets a shell complete commands, options and names')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    // Asked by the scripts themselves.
    .addOption(new Option('--names <kind>', 'print names').choices(nameKinds).hideHelp())
    .addOption(new Option('--of <model>', 'whose versions').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  $ eval "$(slipway completion bash)"       in ~/.bashrc
  $ eval "$(slipway completion zsh)"        in ~/.zshrc, after compinit
  $ slipway completion fish | source        in ~/.config/fish/config.fish`,
    )
    .action(async (shell: Shell, asked: { names?: NameKind; of?: string }, command: Command) => {
      const lines =
        asked.names === undefined
          ? [SCRIPTS[shell](wordTrees(program)).trimEnd()]
          : await namesOf(asked.names, asked.of, command.optsWithGlobals())
      for (const line of lines) process.stdout.write(`${line}\n`)
    })
}

/** Nothing where nothing runs: an error would land in the middle of the line that is typed. */
async function namesOf(kind: NameKind, model: string | undefined, options: GlobalOptions): Promise<string[]> {
  try {
    return await NAMES[kind](openSession(options).client(), model ?? '')
  } catch {
    return []
  }
}

const how = { timeoutMs: PATIENCE_MS }
const query = { limit: MOST_NAMES }
const NAMES: Record<NameKind, (client: Client, model: string) => Promise<string[]>> = {
  models: async (client) => (await client.call('listModels', { query }, how)).items.map(({ model }) => model),
  versions: async (client, model) =>
    (await client.call('listVersions', { params: { model }, query }, how)).items.map(({ label }) => label),
  changes: async (client) => (await client.call('listChanges', { query }, how)).items.map(({ id }) => id),
}
