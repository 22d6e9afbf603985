import type { Command } from 'commander'
import { allCommands, createProgram } from '../../src/cli/program.ts'

/** `docs/reference/cli.md`: what `--help` says of each command, in the order in which `--help` lists them. */
export function cliPage(): string {
  const program = createProgram()
  const commands = allCommands(program).filter((command) => command.commands.length === 0)
  return `# Command line

\`slipway <noun> <verb>\`. What each command says to \`--help\`, written by \`make docs\` from the commands themselves.
In a checkout the program is \`bin/slipway\`; \`export PATH=$PWD/bin:$PATH\` lets you leave out the \`bin/\`.

${commands.map((command) => `- [\`${nameOf(command)}\`](#${anchorOf(command)}): ${command.description()}`).join('\n')}

## For every command
\`\`\`text
${helpOf(program)}
\`\`\`

\`--json\` prints one object, that of an error on stderr; without it, plain lines where the output is not a terminal or \`CI\` is set,
and no colours where \`NO_COLOR\` is set. An error is three lines on stderr: what happened, where, what to do.

| exit code | means |
|---|---|
| 0 | done; a change that was followed is live |
| 1 | the answer is no: blocked, rolled back, withdrawn, not verified, not deployed, a plan that may not decide |
| 2 | not decided: inconclusive, waiting for a sign-off, or you stopped watching (the work goes on in control) |
| 3 | wrong use, or a system that does not answer |

${commands.map(section).join('\n\n')}
`
}

function section(command: Command): string {
  return `## ${nameOf(command)}\n\`\`\`text\n${helpOf(command)}\n\`\`\``
}

function nameOf(command: Command): string {
  const parent = command.parent
  return parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`
}

function anchorOf(command: Command): string {
  return nameOf(command).replaceAll(' ', '-')
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text.trim()
}
