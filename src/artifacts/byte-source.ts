import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Unreadable } from './unreadable.ts'

/**
 * Bytes of a file by position. What is read is what is asked for and a little around it, so a header costs a header,
 * however large the weights behind it are. Reads throw `Unreadable` beyond the end or above the budget.
 */
export interface ByteSource {
  readonly name: string
  readonly sizeBytes: number
  byte(at: number): number
  /** A view or a copy; not to be written to. */
  bytes(at: number, length: number): Buffer
  /** Bytes taken from the disk so far. */
  readBytes(): number
}

export interface OpenSource extends ByteSource {
  close(): void
}

const PAGE_BYTES = 65_536
const PAGES = 16
/** Headers of the largest models in use stay below 32 MiB (vocabulary and merges of a GGUF, index of a 600 B safetensors). */
export const HEADER_BUDGET_BYTES = 128 * 2 ** 20

export function sourceOf(bytes: Buffer, name = 'file'): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    byte(at) {
      const byte = bytes[at]
      if (byte === undefined) throw new Unreadable(at, 'another byte', 'the end of the file')
      return byte
    },
    bytes(at, length) {
      within(at, length, bytes.length)
      return bytes.subarray(at, at + length)
    },
    readBytes: () => bytes.length,
  }
}

/** Opens a file for bounded reading. The caller closes it. */
export function openSource(path: string, name: string, budgetBytes = HEADER_BUDGET_BYTES): OpenSource {
  const handle = openSync(path, 'r')
  const sizeBytes = fstatSync(handle).size
  const pages = new Map<number, Buffer>()
  let spentBytes = 0
  let lastIndex = -1
  let lastPage = Buffer.alloc(0)

  const take = (at: number, length: number): Buffer => {
    spentBytes += length
    if (spentBytes > budgetBytes)
      throw new Unreadable(at, `a header of at most ${budgetBytes} bytes`, 'a longer one')
    const page = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(handle, page, filled, length - filled, at + filled)
      if (count === 0) throw new Unreadable(at + filled, 'another byte', 'a file that became shorter')
      filled += count
    }
    return page
  }
  const pageAt = (index: number): Buffer => {
    if (index === lastIndex) return lastPage
    let page = pages.get(index)
    if (page === undefined) {
      page = take(index * PAGE_BYTES, Math.min(PAGE_BYTES, sizeBytes - index * PAGE_BYTES))
      if (pages.size === PAGES) pages.delete(pages.keys().next().value!)
      pages.set(index, page)
    }
    lastIndex = index
    lastPage = page as Buffer<ArrayBuffer>
    return page
  }

  return {
    name,
    sizeBytes,
    byte(at) {
      if (at >= sizeBytes || at < 0) throw new Unreadable(at, 'another byte', 'the end of the file')
      return pageAt(Math.floor(at / PAGE_BYTES))[at % PAGE_BYTES]!
    },
    bytes(at, length) {
      within(at, length, sizeBytes)
      const index = Math.floor(at / PAGE_BYTES)
      const start = at % PAGE_BYTES
      if (start + length <= PAGE_BYTES && length > 0) return pageAt(index).subarray(start, start + length)
      return take(at, length)
    },
    readBytes: () => spentBytes,
    close: () => closeSync(handle),
  }
}

function within(at: number, length: number, sizeBytes: number): void {
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(length) || at < 0 || length < 0)
    throw new Unreadable(Math.max(0, Math.min(at, sizeBytes)) || 0, 'a length', `${length}`)
  if (at + length > sizeBytes)
    throw new Unreadable(
      Math.min(at, sizeBytes),
      `${length} more bytes`,
      `the end of the file after ${Math.max(0, sizeBytes - at)}`,
    )
}
