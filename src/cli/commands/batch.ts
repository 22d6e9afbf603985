import { createWriteStream, openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Batch, batchEndpoint } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { count, styled, table } from '../output.ts'
import { type GlobalOptions, openSession, type Session } from '../session.ts'

const UPLOAD_TIMEOUT_MS = 600_000
const LOOK_MS = 1000
const UNFINISHED = new Set<Batch['status']>(['validating', 'in_progress', 'finalizing', 'cancelling'])

/** Thin over /api/v1/files and /api/v1/batches. */
export function addBatchCommands(program: Command): void {
  const batch = program.command('batch').description('many requests from a file, answered when there is room')
  batch
    .command('create <file>')
    .description('upload JSON lines and answer each of them')
    .option('--endpoint <path>', batchEndpoint.options.join(', '), '/v1/chat/completions')
    .option('--window <hours>', 'how long it may take, 1h to 168h', '24h')
    .option('--wait', 'stay until it ended; exit code 1 where a line failed')
    .addHelpText('after', '\nExample:\n  $ slipway batch create requests.jsonl --wait')
    .action((file: string, options: CreateOptions, command: Command) =>
      create(file, options, command.optsWithGlobals()),
    )
  batch
    .command('list')
    .description('the newest batches')
    .action((_, command: Command) => list(command.optsWithGlobals()))
  batch
    .command('status <id>')
    .description('how far a batch is, and what was wrong with its input')
    .action((id: string, _, command: Command) => status(id, command.optsWithGlobals()))
  batch
    .command('cancel <id>')
    .description('send no more lines; what was answered stays')
    .action((id: string, _, command: Command) => cancel(id, command.optsWithGlobals()))
  batch
    .command('results <id>')
    .description('the lines that were answered, as JSON lines')
    .option('--errors', 'those that were not')
    .option('--out <file>', 'write them there')
    .action((id: string, options: ResultOptions, command: Command) =>
      results(id, options, command.optsWithGlobals()),
    )
}

interface CreateOptions {
  readonly endpoint: string
  readonly window: string
  readonly wait?: boolean
}

interface ResultOptions {
  readonly errors?: boolean
  readonly out?: string
}

async function create(path: string, wanted: CreateOptions, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  const endpoint = batchEndpoint.safeParse(wanted.endpoint)
  if (!endpoint.success)
    throw new SlipwayError('invalid_request', {
      reason: `"${wanted.endpoint}" is no endpoint of batches; there are ${batchEndpoint.options.join(', ')}.`,
    })
  const body = await openAsBlob(path).catch((error: NodeJS.ErrnoException) => {
    throw new SlipwayError('invalid_request', { reason: `${path} cannot be read (${error.code}).` })
  })
  const client = session.client()
  const file = await client.call(
    'createFile',
    { query: { purpose: 'batch', filename: basename(path) }, body },
    { timeoutMs: UPLOAD_TIMEOUT_MS },
  )
  const made = await client.call('createBatch', {
    body: { input_file_id: file.id, endpoint: endpoint.data, completion_window: wanted.window },
  })
  if (wanted.wait === true) {
    session.output.line(`${styled('green', '✔')} ${made.id}`)
    const ended = await waitFor(session, made.id)
    show(session, ended)
    if (ended.status !== 'completed' || ended.request_counts.failed > 0) process.exitCode = 1
  } else show(session, made)
}

async function waitFor({ client, output }: Session, id: string): Promise<Batch> {
  for (;;) {
    const batch = await client().call('getBatch', { params: { batch: id } })
    if (!UNFINISHED.has(batch.status)) return batch
    output.live(`${batch.status}: ${progressOf(batch)}`)
    await sleep(LOOK_MS)
  }
}

async function list(options: GlobalOptions): Promise<void> {
  const { client, output } = openSession(options)
  const { data } = await client().call('listBatches', { query: { limit: 100 } })
  output.result(data)
  const rows = data.map((batch) => [
    batch.id,
    batch.status,
    progressOf(batch),
    batch.model ?? '–',
    new Date(batch.created_at * 1000).toISOString(),
  ])
  for (const line of table(['Id', 'Status', 'Lines', 'Model', 'Made'], rows)) output.line(line)
}

async function status(id: string, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  show(session, await session.client().call('getBatch', { params: { batch: id } }))
}

async function cancel(id: string, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  show(session, await session.client().call('cancelBatch', { params: { batch: id } }))
}

async function results(id: string, wanted: ResultOptions, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  const batch = await session.client().call('getBatch', { params: { batch: id } })
  const file = wanted.errors === true ? batch.error_file_id : batch.output_file_id
  if (file === null) {
    const what = wanted.errors === true ? 'no errors' : 'no answers'
    const reason = UNFINISHED.has(batch.status)
      ? `Batch ${id} is ${batch.status}; its files come when it ended.`
      : `Batch ${id} (${batch.status}) has ${what}.`
    throw new SlipwayError('invalid_request', { reason })
  }
  // Asked first, so that what is wrong is told as every command tells it; the content itself is streamed.
  await session.client().call('getFile', { params: { file } })
  const { control, key } = session.credentials()
  const response = await fetch(`${control}/api/v1/files/${file}/content`, {
    headers: { authorization: `Bearer ${key}` },
  })
  if (!response.ok || response.body === null)
    throw new SlipwayError('control_unavailable', { url: `${control} (status ${response.status})` })
  const content = Readable.fromWeb(response.body as ReadableStream)
  if (wanted.out === undefined) await pipeline(content, process.stdout, { end: false })
  else {
    await pipeline(content, createWriteStream(wanted.out))
    session.output.result({ file, out: wanted.out })
    session.output.line(`${styled('green', '✔')} ${wanted.out}`)
  }
}

function show({ output }: Session, batch: Batch): void {
  output.result(batch)
  output.line(`${batch.id}  ${batch.status}  ${progressOf(batch)}`)
  for (const { line, message } of batch.errors?.data ?? [])
    output.line(`${styled('red', '✘')} ${line === null ? '' : `line ${line}: `}${message}`)
  if (batch.output_file_id !== null || batch.error_file_id !== null)
    output.line(
      styled('dim', `  slipway batch results ${batch.id}${batch.output_file_id === null ? ' --errors' : ''}`),
    )
}

function progressOf({ request_counts: { completed, failed, total } }: Batch): string {
  const failures = failed === 0 ? '' : `, ${count(failed)} not`
  return total === 0 ? '–' : `${count(completed)} of ${count(total)} answered${failures}`
}
