import { Command } from 'commander'
import packageJson from '#package.json' with { type: 'json' }
import { addBatchCommands } from './commands/batch.ts'
import { addChangeCommands } from './commands/change.ts'
import { addCompatCommand } from './commands/compat.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addImportCommands } from './commands/import.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addLabLatencyCommand } from './commands/lab-latency.ts'
import { addLabServiceCommand } from './commands/lab-service.ts'
import { addLadderCommand } from './commands/ladder.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addModelCommands } from './commands/model.ts'
import { addSampleCommands } from './commands/sample.ts'
import { addServingCommands } from './commands/serving.ts'
import { addTextCommands } from './commands/text.ts'
import { addTextStatsCommand } from './commands/text-stats.ts'
import { addUpCommands } from './commands/up.ts'
import { addVerifyCommand } from './commands/verify.ts'

/** The whole command line; `main.ts` runs it, `scripts/docs.ts` writes its reference. */
export function createProgram(): Command {
  const program = new Command('slipway')
    .description('Takes a model change from proposal to production.')
    .version(packageJson.version)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .option('--yes', 'do not ask')
    .option('--debug', 'print the stack of an error')
    .option('--data <folder>', 'data folder (SLIPWAY_DATA, default .slipway)')
    .option('--control <url>', 'address of control (SLIPWAY_CONTROL_URL)')
    .option('--gateway <url>', 'address of the gateway (SLIPWAY_GATEWAY_URL)')
    .option('--key <key>', 'key to use (SLIPWAY_KEY, default from the data folder)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  $ slipway up                                          everything on this machine, with the sample
  $ slipway change run samples/spam/change.yaml         propose, check, roll out, watch
  $ slipway traffic set spam_filter v1=50 v2=50         split the traffic

Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 wrong use or system.`,
    )

  addUpCommands(program)
  addModelCommands(program)
  addSampleCommands(program)
  addServingCommands(program)
  addTextCommands(program)
  addTextStatsCommand(program)
  addBatchCommands(program)
  addChangeCommands(program)
  addVerifyCommand(program)
  addLadderCommand(program)
  addCompatCommand(program)
  addLabServiceCommand(program)
  addLabLatencyCommand(program)
  addImportCommands(program)
  addLogsCommand(program)
  addKeyCommands(program)
  addCompletionCommand(program)
  for (const command of allCommands(program)) command.exitOverride().showSuggestionAfterError()
  return program
}

/** Every command below one, groups before their members. */
export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)])
}
