import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pruneLogs } from './logs.ts'

test('keeps the newest replica logs, with room for one more, and nobody else’s are touched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-logs-'))
  try {
    writeFileSync(join(folder, 'control.log'), '')
    for (let age = 0; age < 130; age++) {
      const path = join(folder, `replica-spam-v1-r${age}.log`)
      writeFileSync(path, '')
      utimesSync(path, 1_700_000_000 - age, 1_700_000_000 - age)
    }
    pruneLogs(folder)
    const kept = readdirSync(folder)
    expect(kept.length).toBe(100)
    expect(kept).toContain('control.log')
    expect(kept).toContain('replica-spam-v1-r98.log')
    expect(kept).not.toContain('replica-spam-v1-r99.log')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
