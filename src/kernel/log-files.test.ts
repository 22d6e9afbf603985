import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'
import { keepLogsShort, lastLines, rotateLog } from './log-files.ts'
import { silentLogger } from './logger.ts'

const LONGEST_BYTES = 1_000
const LINE_BYTES = 11

let folder: string
let path: string
let log: number
let written = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-logs-'))
  path = join(folder, 'control.log')
  log = openSync(path, 'a')
  written = 0
})
afterEach(() => {
  closeSync(log)
  rmSync(folder, { recursive: true })
})

function write(lines: number): void {
  for (let line = 0; line < lines; line++)
    writeSync(log, `${String(written++).padStart(LINE_BYTES - 1, '0')}\n`)
}

const numbers = (lines: readonly string[]) => lines.map(Number)
const counted = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

test('a log that is not too long is left alone', async () => {
  write(Math.floor(LONGEST_BYTES / LINE_BYTES))
  await rotateLog(path, LONGEST_BYTES)
  expect(readdirSync(folder)).toEqual(['control.log'])
})

test('nothing is lost and nothing is there twice, what is written meanwhile included', async () => {
  for (let turn = 0; turn < 2; turn++) {
    write(100)
    let isRotating = true
    const rotated = rotateLog(path, LONGEST_BYTES).finally(() => {
      isRotating = false
    })
    // In every turn of the event loop, so between any two steps of it.
    for (; isRotating; await nextTurn()) write(1)
    await rotated
    write(3)
  }
  expect(numbers(lastLines(path, 10_000))).toEqual(counted(0, written))
  expect(readdirSync(folder).toSorted()).toEqual(['control.log', 'control.log.1', 'control.log.2'])
})

test('three files at most: the oldest lines go', async () => {
  for (let turn = 0; turn < 5; turn++) {
    write(100)
    await rotateLog(path, LONGEST_BYTES)
  }
  expect(readdirSync(folder).toSorted()).toEqual(['control.log', 'control.log.1', 'control.log.2'])
  expect(numbers(lastLines(path, 10_000))).toEqual(counted(300, 500))
})

test.each([
  ['from the log alone', 3, counted(114, 117)],
  ['across a rotation', 30, counted(87, 117)],
  ['all that there is', 1_000, counted(0, 117)],
  ['none', 0, []],
])('the last lines: %s', async (_, count, expected) => {
  write(100)
  await rotateLog(path, LONGEST_BYTES)
  write(17)
  expect(numbers(lastLines(path, count))).toEqual(expected)
})

test('of a log that is not there, no lines', () => {
  expect(lastLines(join(folder, 'nobody.log'), 5)).toEqual([])
})

test('a process that inherited the file goes on writing into it, and the others are not touched', async () => {
  const script = `process.stdin.on('data', () => { for (let n = 0; n < 100; n++) console.error('x'.repeat(${LINE_BYTES - 1})); console.log('done') })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', log] })
  const said = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const other = openSync(join(folder, 'replica-a.log'), 'a')
  writeSync(other, 'y'.repeat(5_000))
  const keeper = keepLogsShort({
    folder,
    isOurs: (name) => name === 'control.log',
    clock: systemClock,
    logger: silentLogger(),
    longestBytes: LONGEST_BYTES,
    lookEveryMs: 5,
  })
  for (let turn = 0; turn < 4; turn++) {
    child.stdin!.write('go\n')
    await said.next()
    await vi.waitFor(() => expect(statSync(path).size).toBe(0), 5_000)
  }
  keeper.close()
  child.kill('SIGKILL')
  await once(child, 'exit')
  closeSync(other)
  expect(readFileSync(`${path}.1`, 'utf8').split('\n').length).toBeGreaterThan(1)
  expect(readdirSync(folder).toSorted()).toEqual([
    'control.log',
    'control.log.1',
    'control.log.2',
    'replica-a.log',
  ])
  expect(statSync(join(folder, 'replica-a.log')).size).toBe(5_000)
})
