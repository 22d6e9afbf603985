import { resolve } from 'node:path'
import type { Command } from 'commander'
import { styled, table } from '../output.ts'
import { serveModelFile } from '../sample.ts'
import { type GlobalOptions, openSession } from '../session.ts'
import { addModelVersionCommands } from './model-version.ts'

export function addModelCommands(program: Command): void {
  const model = program.command('model').description('what is served')
  model
    .command('add <file>')
    .description('register the model of a model file with its data, and run its champion')
    .addHelpText('after', '\nExample:\n  $ slipway model add samples/spam/model.yaml')
    .action((file: string, _, command: Command) => add(file, command.optsWithGlobals()))
  model
    .command('list')
    .description('all models')
    .addHelpText('after', '\nExample:\n  $ slipway model list')
    .action((_, command: Command) => list(command.optsWithGlobals()))
  addModelVersionCommands(model)
}

async function add(file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  output.live('  registering, then waiting for its replicas')
  const served = await serveModelFile(client(), resolve(file))
  output.result(served)
  output.line(
    `${styled('green', '✔')} ${served.model} ${served.champion} serving (${served.engine}, ${served.replicas} replica${served.replicas === 1 ? '' : 's'})`,
  )
}

async function list(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listModels')
  output.result(items)
  for (const line of table(
    ['Model', 'Champion', 'Owner', 'Task', 'Open changes', 'Incidents'],
    items.map((item) => [
      item.model,
      item.champion ?? '–',
      item.owner,
      item.task,
      item.openChanges.join(' ') || '–',
      String(item.openIncidents),
    ]),
  ))
    output.line(line)
}
