import { type FileHandle, open } from 'node:fs/promises'
import type { Journal } from './batch-store.ts'
import { asFullDisk } from './store-error.ts'

const NEWLINE = 0x0a
const BACK_BYTES = 64 * 1024

/**
 * A file of lines that only grows. Lines that come while a write is under way go out together in the next one, with
 * one sync for all of them. After a write that failed the file is cut back to what is known to stand.
 */
export async function openJournal(path: string): Promise<Journal> {
  const file = await open(path, 'a+', 0o600)
  let length = await cutTornLine(file)
  let waiting: { text: string; done: PromiseWithResolvers<void> }[] = []
  let writing: Promise<void> | undefined

  const writeAll = async () => {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const bytes = Buffer.from(group.map(({ text }) => text).join(''))
      try {
        await file.appendFile(bytes)
        await file.datasync()
        length += bytes.length
        for (const { done } of group) done.resolve()
      } catch (error) {
        await file.truncate(length).catch(() => undefined)
        for (const { done } of group) done.reject(asFullDisk(error))
      }
    }
    writing = undefined
  }

  return {
    append: (line) => {
      const done = Promise.withResolvers<void>()
      waiting.push({ text: `${line}\n`, done })
      writing ??= writeAll()
      return done.promise
    },
    close: async () => {
      await writing
      await file.close()
    },
  }
}

/** The length of whole lines. */
async function cutTornLine(file: FileHandle): Promise<number> {
  let end = (await file.stat()).size
  const buffer = Buffer.alloc(BACK_BYTES)
  while (end > 0) {
    const start = Math.max(0, end - BACK_BYTES)
    const { bytesRead } = await file.read(buffer, 0, end - start, start)
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (newline >= 0) {
      end = start + newline + 1
      break
    }
    end = start
  }
  await file.truncate(end)
  return end
}
