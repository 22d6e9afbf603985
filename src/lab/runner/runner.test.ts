import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { evidence as evidenceSchema } from '../../contracts/index.ts'
import { digestOf, silentLogger } from '../../kernel/index.ts'
import { analyse, type CheckContext, createLab, serveLabJob } from '../index.ts'
import { contextFor, numberOf, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { linesOf } from './lines.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const pids: number[] = []
const logger = silentLogger()
logger.child = ((bindings: { runner?: number }) => {
  if (bindings.runner !== undefined) pids.push(bindings.runner)
  return logger
}) as unknown as typeof logger.child
const lab = createLab({
  runnerPath: fileURLToPath(new URL('../../apps/lab-runner.ts', import.meta.url)),
  execPath: process.execPath,
  logger,
})
const right: ScriptedVersion = { answer: (row) => ({ label: numberOf(row) % 2 }), latencyMs: () => 2 }

async function contextOf(v2: ScriptedVersion = right, items = 300): Promise<CheckContext> {
  const gateway = await scriptedGateway({ v1: right, v2 })
  opened.push(gateway)
  return contextFor({ gatewayUrl: gateway.url, items, goal: 'latency', margins: { accuracy: 0.03 } })
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a check in its own process', () => {
  test('gives evidence that is whole, hashed and can be judged anew', async () => {
    const context = await contextOf()
    const plan = await lab.plan('accuracy', context)
    const { run, stored, told } = runWith()
    const evidence = evidenceSchema.parse(await lab.run('accuracy', context, plan, run))
    expect(evidence).toMatchObject({
      change: 'c-7f3a',
      check: 'accuracy',
      status: 'pass',
      planHash: digestOf(plan.plan),
    })
    const { hash, ...rest } = evidence
    expect(digestOf(rest)).toBe(hash)
    expect(JSON.stringify(evidence)).not.toContain(context.key)
    const again = analyse('accuracy', evidence.plan, evidence.raw)
    expect(digestOf(again)).toBe(
      digestOf({
        status: evidence.status,
        summary: evidence.summary,
        measurements: evidence.measurements,
        details: evidence.details,
      }),
    )
    expect([...stored.keys()]).toEqual([0, 1, 2])
    expect(told.at(-1)).toMatchObject({ done: 300, total: 300 })
    expect(isAlive(pids.at(-1)!)).toBe(false)
  })

  test('ends with the signal, keeps its blocks, and goes on from them', async () => {
    const context = await contextOf({ ...right, latencyMs: () => 15 }, 400)
    const plan = await lab.plan('accuracy', context)
    const stop = new AbortController()
    const { run, stored } = runWith({ signal: stop.signal })
    const put = run.blocks.put.bind(run.blocks)
    run.blocks.put = async (index, block) => {
      await put(index, block)
      stop.abort(new Error('stopped by hand'))
    }
    await expect(lab.run('accuracy', context, plan, run)).rejects.toThrow('stopped by hand')
    expect(isAlive(pids.at(-1)!)).toBe(false)
    expect(stored.size).toBe(1)
    const first = stored.get(0)
    const evidence = await lab.run('accuracy', context, plan, runWith({ stored }).run)
    expect((evidence.raw as { blocks: unknown[] }).blocks[0]).toEqual(first)
    expect(evidence.status).toBe('pass')
  })

  test('a runner that is killed is a failed check, not a hang', async () => {
    const context = await contextOf({ ...right, latencyMs: () => 30 }, 400)
    const plan = await lab.plan('accuracy', context)
    const { run } = runWith()
    const put = run.blocks.put.bind(run.blocks)
    run.blocks.put = async (index, block) => {
      await put(index, block)
      process.kill(pids.at(-1)!, 'SIGKILL')
    }
    await expect(lab.run('accuracy', context, plan, run)).rejects.toMatchObject({
      code: 'check_failed',
      message: expect.stringMatching(/ended before it was done/),
    })
  })

  test('a reason of the runner reaches who asked', async () => {
    const context = await contextOf({ saysItIs: () => 'v1' })
    const plan = await lab.plan('accuracy', context)
    await expect(lab.run('accuracy', context, plan, runWith().run)).rejects.toMatchObject({
      code: 'check_failed',
      message: expect.stringMatching(/v1 answered where v2 was pinned/),
    })
  })

  test('a block that cannot be stored ends the run', async () => {
    const context = await contextOf()
    const { run } = runWith()
    run.blocks.put = () => Promise.reject(new Error('disk full'))
    await expect(lab.run('accuracy', context, await lab.plan('accuracy', context), run)).rejects.toThrow(
      'disk full',
    )
    expect(isAlive(pids.at(-1)!)).toBe(false)
  })
})

test.each([
  ['read another plan', `{"type":"plan","planHash":"${digestOf('other')}"}`, /another plan/],
  ['talks nonsense', 'hello', /no event/],
])('a runner that %s is not believed', async (_, said, reason) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-runner-test-'))
  const runnerPath = join(folder, 'runner.mjs')
  await writeFile(runnerPath, `console.log(${JSON.stringify(said)}); setTimeout(() => {}, 60_000)`)
  const other = createLab({ runnerPath, execPath: process.execPath, logger })
  const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1' })
  const plan = await other.plan('accuracy', context)
  await expect(other.run('accuracy', context, plan, runWith().run)).rejects.toMatchObject({
    code: 'check_failed',
    message: expect.stringMatching(reason),
  })
  expect(isAlive(pids.at(-1)!)).toBe(false)
  await rm(folder, { recursive: true })
})

describe('the runner', () => {
  async function eventsOf(text: string, keepOpen: boolean) {
    const input = new PassThrough()
    const output = new PassThrough()
    input.write(text)
    if (!keepOpen) input.end()
    const isDone = await serveLabJob({ input, output, signal: new AbortController().signal })
    output.end()
    const events: { type: string; reason?: string }[] = []
    for await (const line of linesOf(output, 1e6)) events.push(JSON.parse(line))
    return { isDone, events }
  }

  test.each([
    ['nothing', ''],
    ['no JSON', 'hello\n'],
    ['no job', '{"check":"accuracy"}\n'],
  ])('says why it cannot run %s', async (_, text) => {
    const { isDone, events } = await eventsOf(text, false)
    expect(isDone).toBe(false)
    expect(events).toMatchObject([{ type: 'failed', reason: expect.stringMatching(/./) }])
  })
})

test('a runner whose parent is gone stops', async () => {
  const context = await contextOf({ ...right, latencyMs: () => 100 }, 400)
  const folder = await mkdtemp(join(tmpdir(), 'slipway-runner-test-'))
  const itemsPath = join(folder, 'items.jsonl')
  await writeFile(itemsPath, context.golden.items.map((item) => `${JSON.stringify(item)}\n`).join(''))
  const { change, model, champion, candidate, gatewayUrl, key, seed } = context
  const golden = { name: context.golden.name, digest: context.golden.digest, itemsPath }
  const plan = await lab.plan('accuracy', context)
  const versions = { change, model, champion, candidate, golden, artifacts: {} }
  const input = new PassThrough()
  const output = new PassThrough()
  input.write(
    `${JSON.stringify({ check: 'accuracy', ...versions, gatewayUrl, key, seed, plan, finished: [] })}\n`,
  )
  const served = serveLabJob({ input, output, signal: new AbortController().signal })
  setTimeout(() => input.end(), 300)
  expect(await served).toBe(false)
  expect(String(output.read())).toMatch(/the process that asked is gone/)
  await rm(folder, { recursive: true })
})

test('lines come whole, however they are cut', async () => {
  const stream = new PassThrough()
  for (const piece of ['{"a', '":1}\n{"b":2}\n{"c"', ':', '3}']) stream.write(piece)
  stream.end()
  const lines: string[] = []
  for await (const line of linesOf(stream, 100)) lines.push(line)
  expect(lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'])
  const endless = new PassThrough()
  endless.end('x'.repeat(200))
  await expect(linesOf(endless, 100).next()).rejects.toThrow(/longer than 100/)
})

test.each([
  ['plan', {}, { blocks: [] }],
  ['raw', { check: 'accuracy' }, { blocks: 3 }],
])('evidence whose %s has another form is said to be so', (_, plan, raw) => {
  expect(() => analyse('accuracy', plan, raw)).toThrow(expect.objectContaining({ code: 'bundle_invalid' }))
})
