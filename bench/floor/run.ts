/**
 * The floor of the predict path on this machine: what a gateway and a model server cost that do nothing but the
 * unavoidable. The real path is held to a share of it.
 *
 *   node bench/floor/run.ts [seconds]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadFromOwnProcess } from '../load.ts'

const seconds = Number(process.argv[2] ?? 4)
const folder = mkdtempSync(join(tmpdir(), 'floor-'))
const started: ChildProcess[] = []

async function start(file: string): Promise<unknown> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [join(folder, 'link')])
  started.push(child)
  const [message] = await once(child, 'message')
  return message
}

try {
  await start('server.ts')
  const url = `http://127.0.0.1:${String(await start('gateway.ts'))}/`
  const row = Array.from({ length: 64 }, (_, index) => (index * 7) % 17)
  const oneRow = JSON.stringify({ inputs: [{ features: row }] })
  const manyRows = JSON.stringify({ inputs: Array.from({ length: 32 }, () => ({ features: row })) })
  const raw = Buffer.from(Float32Array.from({ length: 32 * 64 }, (_, index) => row[index % 64]!).buffer)
  const authorization = 'Bearer bench_secret'
  const json = { authorization, 'content-type': 'application/json' }
  const octets = { authorization, 'content-type': 'application/octet-stream' }
  const measure = async (
    what: string,
    connections: number,
    headers: Record<string, string>,
    body: string | Buffer,
  ) => {
    const result = await loadFromOwnProcess({ url, seconds, connections, headers, body })
    console.log(`${what}, ${connections} connections: ${JSON.stringify(result)}`)
  }
  for (const connections of [1, 8, 32]) await measure('1 JSON row', connections, json, oneRow)
  await measure('32 JSON rows', 32, json, manyRows)
  await measure('32 raw rows', 32, octets, raw)
} finally {
  for (const child of started) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
