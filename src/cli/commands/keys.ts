import type { Command } from 'commander'
import { type Scope, scope } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { ago, styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('who may do what')
  keys
    .command('list')
    .description('all keys, without their secrets')
    .action((_, command: Command) => list(command.optsWithGlobals()))
  keys
    .command('create <name>')
    .description('make a key; its secret is shown once')
    .option('--scope <scope...>', 'predict, read, deploy, check, approve, admin', ['predict'])
    .option('--tenant <tenant>', 'whose it is', 'default')
    .option('--requests-per-second <n>', 'limit', Number)
    .option('--concurrency <n>', 'limit', Number)
    .addHelpText(
      'after',
      '\nExample:\n  $ slipway keys create shop --scope predict --requests-per-second 200',
    )
    .action((name: string, options: NewKeyOptions, command: Command) =>
      create(name, options, command.optsWithGlobals()),
    )
  keys
    .command('revoke <id>')
    .description('end a key now')
    .action((id: string, _, command: Command) => revoke(id, command.optsWithGlobals()))
}

interface NewKeyOptions {
  readonly scope: string[]
  readonly tenant: string
  readonly requestsPerSecond?: number
  readonly concurrency?: number
}

async function list(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listKeys')
  output.result(items)
  for (const line of table(
    ['Id', 'Name', 'Tenant', 'Scopes', 'Limits', 'Made', 'State'],
    items.map((key) => [
      key.publicId,
      key.name,
      key.tenant,
      key.scopes.join(' '),
      `${key.limits.requestsPerSecond ?? '∞'}/s, ${key.limits.concurrency ?? '∞'} at once`,
      ago(key.createdAt, Date.now()),
      key.revokedAt === null ? 'valid' : 'revoked',
    ]),
  ))
    output.line(line)
}

async function create(name: string, wanted: NewKeyOptions, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const key = await client().call('createKey', {
    body: {
      name,
      tenant: wanted.tenant,
      scopes: wanted.scope.map(parseScope),
      limits: {
        requestsPerSecond: wanted.requestsPerSecond ?? null,
        concurrency: wanted.concurrency ?? null,
      },
    },
  })
  output.result(key)
  output.line(`${styled('green', '✔')} ${name}: ${key.key}`)
  output.line(styled('dim', '  It is not shown again.'))
}

function parseScope(text: string): Scope {
  const parsed = scope.safeParse(text)
  if (!parsed.success)
    throw new SlipwayError('invalid_request', {
      reason: `"${text}" is no scope; there are ${scope.options.join(', ')}.`,
    })
  return parsed.data
}

async function revoke(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const key = await client().call('revokeKey', { params: { key: id } })
  output.result(key)
  output.line(`${styled('green', '✔')} ${key.name} (${id}) is revoked`)
}
