import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ModelContract, type ReplicaStatus, replicaStatus } from '../contracts/index.ts'
import { systemClock } from '../kernel/index.ts'
import { compileRows, connectLink, type LinkClient, type LinkOutcome } from '../link/index.ts'

const app = fileURLToPath(new URL('./model-server.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const digits = join(root, 'bench/floor/digits.onnx')
const contract: ModelContract = {
  inputs: [{ name: 'features', dtype: 'float32', shape: [64] }],
  outputs: [
    { name: 'label', dtype: 'int64', shape: [] },
    { name: 'probabilities', dtype: 'float32', shape: [10] },
  ],
}
const inputs = compileRows(contract.inputs, 'digits')
const outputs = compileRows(contract.outputs, 'digits')
const row = inputs.encodeJson([{ features: Array.from({ length: 64 }, (_, index) => index % 17) }])

let folder: string
const pids: number[] = []
const clients: LinkClient[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ms-'))
  writeFileSync(join(folder, 'key'), 'slw_internal_key')
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
  rmSync(folder, { recursive: true, force: true })
})

const digestOfFile = (path: string) =>
  `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`

function writeSpec(spec: object, more: object = {}): string {
  const path = join(folder, 'spec.json')
  const whole = {
    replicaId: 'r-1',
    model: 'digits',
    label: 'v1',
    versionId: digestOfFile(digits),
    spec,
    address: `unix:${join(folder, 's')}`,
    runFolder: join(folder, 'run'),
    internalKeyFile: join(folder, 'key'),
    ...more,
  }
  writeFileSync(path, JSON.stringify(whole))
  return path
}
const echoSpec = (echo: object) =>
  writeSpec({ engine: 'echo', echo, contract: { ...contract, outputs: contract.inputs } })
const onnxSpec = (artifact = digits) =>
  writeSpec(
    { engine: 'onnx', contract, artifact: { digest: digestOfFile(artifact), name: 'digits.onnx' } },
    { files: { artifact } },
  )

interface Server {
  readonly child: ChildProcess
  readonly log: () => string
}

function launch(specFile: string): Server {
  const child = spawn(process.execPath, [app, specFile], { stdio: ['ignore', 'ignore', 'pipe'] })
  pids.push(child.pid!)
  let log = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  return { child, log: () => log }
}

function status(): ReplicaStatus | undefined {
  const path = join(folder, 'run/status.json')
  return existsSync(path) ? replicaStatus.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined
}

async function phase(wanted: ReplicaStatus['phase'], server?: Server): Promise<ReplicaStatus> {
  for (let tries = 0; tries < 2000; tries++) {
    const now = status()
    if (now?.phase === wanted) return now
    await sleep(10)
  }
  throw new Error(`never ${wanted}: ${JSON.stringify(status())} ${server?.log()}`)
}

async function dial(): Promise<LinkClient> {
  const client = await connectLink(`unix:${join(folder, 's')}`, { clock: systemClock })
  clients.push(client)
  return client
}

const ask = (client: LinkClient) =>
  new Promise<LinkOutcome>((resolve) => {
    client.request({ rows: 1, body: row }, resolve)
  })

describe('the model server process', () => {
  test('serves an ONNX file, and ends with 0 on SIGTERM', async () => {
    const server = launch(onnxSpec())
    const ready = await phase('ready', server)
    expect(ready).toMatchObject({
      pid: server.child.pid,
      failure: null,
      httpUrl: expect.stringMatching(/^http/),
    })
    const outcome = await new Promise<string>((resolve) => {
      void dial().then((client) =>
        client.request({ rows: 1, body: row }, (outcome) =>
          resolve(outcome.ok ? outputs.toJson(outcome.body, 1) : outcome.code),
        ),
      )
    })
    const [answer] = JSON.parse(outcome) as { label: number; probabilities: number[] }[]
    expect(answer!.probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5)
    expect(answer!.label).toBe(answer!.probabilities.indexOf(Math.max(...answer!.probabilities)))
    server.child.kill('SIGTERM')
    expect(await once(server.child, 'exit')).toEqual([0, null])
    expect(status()?.phase).toBe('draining')
    expect(existsSync(join(folder, 's'))).toBe(false)
    for (const line of server.log().trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
  })

  test('runs a preprocess module of the sample on real text', async () => {
    const sample = join(root, 'samples/spam')
    const spam: ModelContract = {
      inputs: [{ name: 'text', dtype: 'string', shape: [] }],
      outputs: [{ name: 'spam_probability', dtype: 'float32', shape: [] }],
    }
    const [model, module] = [join(sample, 'spam-v1.onnx'), join(sample, 'tokenise.ts')]
    const spec = {
      engine: 'onnx',
      contract: spam,
      artifact: { digest: digestOfFile(model), name: 'spam-v1.onnx' },
      preprocess: { digest: digestOfFile(module), name: 'tokenise.ts' },
    }
    const server = launch(writeSpec(spec, { files: { artifact: model, preprocess: module } }))
    await phase('ready', server)
    const texts = [
      'Viagra! Lowest price $$$, click here to order now',
      'Does the patch to fetchmail apply to 5.9.0?',
    ]
    const body = compileRows(spam.inputs, 'spam').encodeJson(texts.map((text) => ({ text })))
    const client = await dial()
    const outcome = await new Promise<LinkOutcome>((resolve) => {
      client.request({ rows: 2, body }, resolve)
    })
    if (!outcome.ok) throw new Error(outcome.detail)
    const [first, second] = compileRows(spam.outputs, 'spam').toObjects(outcome.body, 2)
    expect(Number(first!.spam_probability)).toBeGreaterThan(Number(second!.spam_probability))
    expect(outcome.preprocessUs).toBeGreaterThan(0)
  })

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 1000)],
    ['empty', (bytes: Buffer) => bytes.subarray(0, 0)],
  ])('ends with 1 when its artifact is %s, and says why', async (_, damage) => {
    const broken = join(folder, 'broken.onnx')
    writeFileSync(broken, damage(readFileSync(digits)))
    const server = launch(onnxSpec(broken))
    expect(await once(server.child, 'exit')).toEqual([1, null])
    expect(status()).toMatchObject({ phase: 'failed', failure: { code: 'artifact_unreadable' } })
    expect(existsSync(join(folder, 's'))).toBe(false)
  })

  test('loses nothing when told to stop under load', async () => {
    const server = launch(echoSpec({ latencyMs: 3, perRowMs: 0.1 }))
    await phase('ready', server)
    const links = await Promise.all([dial(), dial(), dial()])
    const outcomes: LinkOutcome[] = []
    let isStopping = false
    const caller = async (link: LinkClient) => {
      for (;;) {
        const outcome = await ask(link)
        outcomes.push(outcome)
        if (isStopping && !outcome.ok) return
      }
    }
    const callers = links.flatMap((link) => Array.from({ length: 20 }, () => caller(link)))
    await sleep(200)
    isStopping = true
    server.child.kill('SIGTERM')
    await Promise.all(callers)
    expect(await once(server.child, 'exit')).toEqual([0, null])
    const failures = outcomes.filter((outcome) => !outcome.ok)
    expect(outcomes.length - failures.length).toBeGreaterThan(200)
    // Only what was not sent, since the link said so before: to be sent to another replica.
    for (const failure of failures)
      expect(failure).toMatchObject({ code: 'replica_unready', sent: false, retrySafe: true })
  })

  test('killed during inference leaves replica_lost for everything in flight, at once', async () => {
    const server = launch(echoSpec({ latencyMs: 60_000 }))
    await phase('ready', server)
    const client = await dial()
    const answers = Array.from({ length: 100 }, () => ask(client))
    await sleep(50)
    const killedMs = performance.now()
    server.child.kill('SIGKILL')
    for (const outcome of await Promise.all(answers))
      expect(outcome).toMatchObject({ code: 'replica_lost', sent: true })
    expect(performance.now() - killedMs).toBeLessThan(5000)
    expect(client.state).toBe('closed')
  })

  test('starts again over the socket that a killed one left', async () => {
    const first = launch(onnxSpec())
    await phase('ready', first)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    expect(existsSync(join(folder, 's'))).toBe(true)
    rmSync(join(folder, 'run'), { recursive: true })
    await phase('ready', launch(join(folder, 'spec.json')))
    expect(await ask(await dial())).toMatchObject({ ok: true })
  })

  test('lives on when who started it is killed, even with its stderr gone', async () => {
    const specFile = onnxSpec()
    const source = `
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ${JSON.stringify([app, specFile])}, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['-e', source], { stdio: 'ignore' })
    pids.push(parent.pid!)
    const { pid } = await phase('ready')
    pids.push(pid)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    const client = await dial()
    // A fault is logged, into a pipe that nobody reads any more.
    const hostile = (await import('node:net')).connect(join(folder, 's'))
    hostile.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: nobody\r\n\r\n')
    await once(hostile, 'close')
    expect(await ask(client)).toMatchObject({ ok: true })
    process.kill(pid, 'SIGTERM')
    for (let tries = 0; tries < 500 && isAlive(pid); tries++) await sleep(10)
    expect(isAlive(pid)).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
