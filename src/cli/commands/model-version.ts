import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseVersionFile, readTexts, uploadFiles } from '../../sdk/index.ts'
import { ago, styled, table } from '../output.ts'
import { beside } from '../propose.ts'
import { type GlobalOptions, openSession } from '../session.ts'

/** `slipway model version …`: versions without a change, to be run by `deploy` and compared later. */
export function addModelVersionCommands(model: Command): void {
  const version = model.command('version').description('the versions of a model')
  version
    .command('add <model> <file>')
    .description('register a further version; it runs once it is deployed')
    .addHelpText('after', '\nExample:\n  $ slipway model version add support_chat samples/llm/version.yaml')
    .action((model: string, file: string, _, command: Command) => add(model, file, command.optsWithGlobals()))
  version
    .command('list <model>')
    .description('all versions of a model, newest first')
    .addHelpText('after', '\nExample:\n  $ slipway model version list support_chat')
    .action((model: string, _, command: Command) => list(model, command.optsWithGlobals()))
}

async function add(model: string, path: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const { contract } = await api.call('getModel', { params: { model } })
  const file = parseVersionFile(await readFile(path, 'utf8'), path)
  const read = beside(resolve(path))
  const spec = file.spec(
    contract,
    await uploadFiles(api, file.files, read),
    await readTexts(file.texts, read),
  )
  const version = await api.call('createVersion', { params: { model }, body: { label: file.label, spec } })
  output.result(version)
  output.line(`${styled('green', '✔')} ${model} ${version.label} is registered (${spec.engine})`)
  output.line(`  Next: slipway deploy ${model} ${version.label} --traffic 10`)
}

async function list(model: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listVersions', { params: { model }, query: { limit: 1000 } })
  output.result({ items })
  for (const line of table(
    ['Version', 'Engine', 'What', 'Made', 'Id'],
    items.map(({ createdAt, id, label, spec }) => [
      label,
      spec.engine,
      spec.provider === undefined
        ? (spec.artifact?.name ?? '–')
        : `${spec.modelName ?? 'its model'} at ${spec.provider}`,
      ago(createdAt, Date.now()),
      id.slice(0, 19),
    ]),
  ))
    output.line(line)
}
