import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from './folder-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['a pid that was given to another process', JSON.stringify({ pid: process.pid, startedTicks: '1' })],
  ['a pid that is nobody', JSON.stringify({ pid: 2 ** 22 + 1, startedTicks: null })],
  ['nothing that can be read', 'half a l'],
  ['nothing at all', ''],
])('a lock that holds %s is taken over, and given back', async (_, text) => {
  await writeFile(join(folder, 'lock.7'), text)
  const unlock = await lockFolder(folder)
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'store_locked' })
  await unlock()
  expect(await readdir(folder)).toEqual(['lock.8'])
  await (await lockFolder(folder))()
  expect(await readdir(folder)).toEqual(['lock.9'])
})

test.each([
  ['a free folder', undefined],
  ['a lock that a dead process left', ''],
])('of many who want %s at once one gets it, every time', async (_, left) => {
  for (let round = 0; round < 20; round++) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    if (left !== undefined) await writeFile(join(folder, 'lock.7'), left)
    const wishes = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)))
    expect(wishes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  }
})
