import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { z } from 'zod'
import { limitRule, newProvider, priceOverride, servingPolicy } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

/** Providers, serving policies, limits and prices, from YAML files that may hold one or a list. */
export function addTextCommands(program: Command): void {
  const provider = program.command('provider').description('who answers for models that run elsewhere')
  provider
    .command('add <file>')
    .description('make or replace the providers of a file; secrets are named in it, never written')
    .addHelpText('after', '\nExample:\n  $ slipway provider add providers.yaml')
    .action((file: string, _, command: Command) => addProviders(file, command.optsWithGlobals()))
  provider
    .command('list')
    .description('all providers')
    .action((_, command: Command) => listProviders(command.optsWithGlobals()))
  provider
    .command('remove <name>')
    .description('forget a provider that no deployed version needs')
    .action((name: string, _, command: Command) => removeProvider(name, command.optsWithGlobals()))

  const policy = program.command('policy').description('ladder, caches and stream rules of a model of text')
  policy
    .command('set <model> <file>')
    .description('set the serving policy of a model')
    .addHelpText('after', '\nExample:\n  $ slipway policy set support_chat serving.yaml')
    .action((model: string, file: string, _, command: Command) =>
      setPolicy(model, file, command.optsWithGlobals()),
    )
  policy
    .command('show <model>')
    .description('the serving policy of a model')
    .action((model: string, _, command: Command) => showPolicy(model, command.optsWithGlobals()))

  const limits = program.command('limits').description('what tenants and models may use')
  limits
    .command('set <file>')
    .description('make or replace the limits of a file')
    .action((file: string, _, command: Command) => setLimits(file, command.optsWithGlobals()))
  limits
    .command('list')
    .description('all limits of tenants and models')
    .action((_, command: Command) => listLimits(command.optsWithGlobals()))
  limits
    .command('remove <name>')
    .description('lift a limit')
    .action((name: string, _, command: Command) => removeLimit(name, command.optsWithGlobals()))

  const prices = program.command('prices').description('own prices, which go before the catalogue')
  prices
    .command('set <file>')
    .description('add the prices of a file')
    .action((file: string, _, command: Command) => setPrices(file, command.optsWithGlobals()))
  prices
    .command('list')
    .description('all own prices')
    .action((_, command: Command) => listPrices(command.optsWithGlobals()))
}

async function addProviders(file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const stored = []
  for (const { name, ...body } of await readAll(file, newProvider)) {
    stored.push(await client().call('putProvider', { params: { provider: name }, body }))
    output.line(`${styled('green', '✔')} ${name} (${body.kind})`)
  }
  output.result({ items: stored })
}

async function listProviders(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listProviders')
  output.result({ items })
  for (const line of table(
    ['Name', 'Kind', 'Address', 'Accounts'],
    items.map(({ accounts, baseUrl, kind, name }) => [
      name,
      kind,
      baseUrl ?? 'its own',
      accounts
        .map(({ key, name: account, region }) => [account, region, key].filter(Boolean).join(' '))
        .join(', '),
    ]),
  ))
    output.line(line)
}

async function removeProvider(name: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  await client().call('deleteProvider', { params: { provider: name } })
  output.result({ removed: name })
  output.line(`${styled('green', '✔')} ${name} is forgotten`)
}

async function setPolicy(model: string, file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const [body] = await readAll(file, servingPolicy)
  if (body === undefined) throw new SlipwayError('policy_invalid', { reason: `${file} is empty` })
  output.result(await client().call('putServingPolicy', { params: { model }, body }))
  output.line(`${styled('green', '✔')} ${model} is served by ${file}`)
}

async function showPolicy(model: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const policy = await client().call('getServingPolicy', { params: { model } })
  output.result(policy)
  output.line(JSON.stringify(policy, null, 2))
}

async function setLimits(file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const stored = []
  for (const { name, ...body } of await readAll(file, limitRule)) {
    stored.push(await client().call('putLimit', { params: { limit: name }, body }))
    output.line(`${styled('green', '✔')} ${name}`)
  }
  output.result({ items: stored })
}

async function listLimits(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listLimits')
  output.result({ items })
  for (const line of table(
    ['Name', 'Tenant', 'Model', 'Limits'],
    items.map(({ model, name, tenant, ...limits }) => [
      name,
      tenant ?? 'all',
      model ?? 'all',
      Object.entries(limits)
        .map(([limit, value]) => `${limit} ${value}`)
        .join(', '),
    ]),
  ))
    output.line(line)
}

async function removeLimit(name: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  await client().call('deleteLimit', { params: { limit: name } })
  output.result({ removed: name })
  output.line(`${styled('green', '✔')} ${name} is lifted`)
}

async function setPrices(file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const stored = []
  for (const body of await readAll(file, priceOverride)) {
    stored.push(await client().call('putPrice', { body }))
    output.line(`${styled('green', '✔')} ${body.provider}/${body.model} from ${body.from}`)
  }
  output.result({ items: stored })
}

async function listPrices(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listPrices')
  output.result({ items })
  for (const line of table(
    ['Provider', 'Model', 'From', '$ per million: in', 'out', 'Source'],
    items.map(({ from, model, prices, provider, source }) => [
      provider,
      model,
      from,
      prices.input ?? '–',
      prices.output ?? '–',
      source,
    ]),
  ))
    output.line(line)
}

/** One or a list of them. Throws `policy_invalid` with the file, the place and the reason. */
async function readAll<T extends z.ZodType>(file: string, form: T): Promise<z.output<T>[]> {
  let written: unknown
  try {
    written = parse(await readFile(file, 'utf8'), { maxAliasCount: 50 })
  } catch (error) {
    throw new SlipwayError('policy_invalid', { reason: `${file}: ${(error as Error).message}` })
  }
  const parsed = z.array(form).safeParse(Array.isArray(written) ? written : [written])
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new SlipwayError('policy_invalid', {
    reason: `${file}: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not what is expected'}`,
  })
}
