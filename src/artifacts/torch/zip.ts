import { inflateRawSync } from 'node:zlib'
import type { ByteSource } from '../byte-source.ts'
import { Cursor } from '../cursor.ts'
import { Unreadable } from '../unreadable.ts'

export interface ZipRecord {
  readonly name: string
  /** 0 stored, 8 deflated. */
  readonly method: number
  readonly storedBytes: number
  readonly bytes: number
  readonly offset: number
}

const END_BYTES = 22
const MOST_COMMENT_BYTES = 65_535
const MOST_RECORDS = 500_000
const END_MAGIC = 0x06054b50
const END64_MAGIC = 0x06064b50
const LOCATOR_MAGIC = 0x07064b50
const RECORD_MAGIC = 0x02014b50
const LOCAL_MAGIC = 0x04034b50
const WIDE = 0xffffffff

/** The records that a zip file lists in its central directory (APPNOTE 6.3, zip64 included). Throws `Unreadable`. */
export function zipRecords(source: ByteSource): ZipRecord[] {
  const { at, count } = directoryOf(source)
  const cursor = new Cursor(source, at)
  const records: ZipRecord[] = []
  for (let index = 0; index < count; index++) records.push(recordOf(cursor))
  return records
}

/** Contents of one record of at most so many bytes. */
export function zipContents(source: ByteSource, record: ZipRecord, mostBytes: number): Buffer {
  if (record.bytes > mostBytes || record.storedBytes > mostBytes)
    throw new Unreadable(record.offset, `at most ${mostBytes} bytes in ${record.name}`, `${record.bytes}`)
  const cursor = new Cursor(source, record.offset)
  if (cursor.u32('a local header') !== LOCAL_MAGIC)
    throw new Unreadable(record.offset, `the local header of ${record.name}`, 'something else')
  cursor.skip(22, 'a local header')
  const nameBytes = cursor.u16('the length of a name')
  const extraBytes = cursor.u16('the length of an extra field')
  cursor.skip(nameBytes + extraBytes, 'a local header')
  const stored = cursor.bytes(record.storedBytes, record.name)
  if (record.method === 0) return stored
  if (record.method !== 8)
    throw new Unreadable(record.offset, 'the method 0 or 8', `the method ${record.method}`)
  try {
    return inflateRawSync(stored, { maxOutputLength: mostBytes })
  } catch (error) {
    throw new Unreadable(record.offset, `deflated data in ${record.name}`, (error as Error).message)
  }
}

function directoryOf(source: ByteSource): { at: number; count: number } {
  const size = source.sizeBytes
  const tailBytes = Math.min(size, END_BYTES + MOST_COMMENT_BYTES)
  const tail = source.bytes(size - tailBytes, tailBytes)
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end === -1 || tail.length - end < END_BYTES)
    throw new Unreadable(size, 'the end of a zip directory', 'none; the file may be cut off')
  const cursor = new Cursor(source, size - tailBytes + end)
  if (cursor.u32('the end of the directory') !== END_MAGIC)
    throw new Unreadable(cursor.at, 'a directory', 'none')
  cursor.skip(6, 'disk numbers')
  let count = cursor.u16('the number of records')
  cursor.skip(4, 'the size of the directory')
  let at = cursor.u32('the offset of the directory')
  if (count === 0xffff || at === WIDE) ({ at, count } = wideDirectoryOf(source, size - tailBytes + end))
  if (count > MOST_RECORDS) throw new Unreadable(cursor.at, `at most ${MOST_RECORDS} records`, `${count}`)
  return { at, count }
}

function wideDirectoryOf(source: ByteSource, endAt: number): { at: number; count: number } {
  if (endAt < 20) throw new Unreadable(endAt, 'a zip64 locator', 'the start of the file')
  const locator = new Cursor(source, endAt - 20)
  if (locator.u32('a zip64 locator') !== LOCATOR_MAGIC)
    throw new Unreadable(endAt - 20, 'a zip64 locator', 'something else')
  locator.skip(4, 'a disk number')
  const cursor = new Cursor(source, locator.u64('the offset of the zip64 directory'))
  if (cursor.u32('a zip64 directory') !== END64_MAGIC)
    throw new Unreadable(cursor.at - 4, 'a zip64 directory', 'something else')
  cursor.skip(28, 'a zip64 directory')
  const count = cursor.u64('the number of records')
  cursor.skip(8, 'the size of the directory')
  return { count, at: cursor.u64('the offset of the directory') }
}

function recordOf(cursor: Cursor): ZipRecord {
  const start = cursor.at
  if (cursor.u32('a record of the directory') !== RECORD_MAGIC)
    throw new Unreadable(start, 'a record of the directory', 'something else')
  cursor.skip(6, 'versions and flags')
  const method = cursor.u16('a method')
  cursor.skip(8, 'time and checksum')
  let storedBytes = cursor.u32('a size')
  let bytes = cursor.u32('a size')
  const nameBytes = cursor.u16('the length of a name')
  const extraBytes = cursor.u16('the length of an extra field')
  const commentBytes = cursor.u16('the length of a comment')
  cursor.skip(8, 'disk and attributes')
  let offset = cursor.u32('an offset')
  const name = cursor.text(nameBytes, 'a name', 4096)
  const extra = new Cursor(cursor.source, cursor.at, Math.min(cursor.end, cursor.at + extraBytes))
  cursor.skip(extraBytes + commentBytes, 'extra field and comment')
  // Zip64 (extra field 1) holds, in this order, those of the three that did not fit into four bytes.
  while (extra.end - extra.at >= 4) {
    const id = extra.u16('a field')
    const length = extra.u16('a length')
    if (id !== 1) {
      extra.skip(length, 'an extra field')
      continue
    }
    if (bytes === WIDE) bytes = extra.u64('a size')
    if (storedBytes === WIDE) storedBytes = extra.u64('a size')
    if (offset === WIDE) offset = extra.u64('an offset')
    break
  }
  return { name, method, storedBytes, bytes, offset }
}
