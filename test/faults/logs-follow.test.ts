import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rotateLog } from '../../src/kernel/log-files.ts'

let data: string
let log: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'slipway-follow-'))
  mkdirSync(join(data, 'logs'))
  log = join(data, 'logs', 'control.log')
})
afterEach(() => rmSync(data, { recursive: true }))

const linesFrom = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`)
const append = (from: number, to: number) => appendFileSync(log, `${linesFrom(from, to).join('\n')}\n`)

test('`slipway logs -f` shows each line once, across a rotation', async () => {
  append(0, 40)
  await rotateLog(log, 100)
  append(40, 60)
  const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
  const args = [main, 'logs', 'control', '-n', '30', '-f', '--data', data]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const said = () => out.split('\n').filter((line) => line !== '')
  try {
    await vi.waitFor(() => expect(said()).toEqual(linesFrom(30, 60)), 15_000)
    append(60, 90)
    await vi.waitFor(() => expect(said()).toEqual(linesFrom(30, 90)), 5_000)
    // In one turn, before it looks again: some lines are in the older file only.
    append(90, 95)
    await rotateLog(log, 100)
    append(95, 98)
    await vi.waitFor(() => expect(said()).toEqual(linesFrom(30, 98)), 5_000)
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
