import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestOfBytes } from '../kernel/index.ts'
import { artifactStore } from './artifacts.ts'

const content = Buffer.from('the weights of a model')
const digest = digestOfBytes(content)
const hex = digest.slice('sha256:'.length)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-artifacts-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const leftOvers = async () => (await readdir(folder)).filter((name) => name.startsWith('.incoming'))
const stored = () => join(folder, hex.slice(0, 2), hex)

async function* chunks(...parts: (Buffer | Error)[]) {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield part
  }
}

test.each([
  [
    'has another digest',
    () => chunks(content.subarray(0, 5)),
    undefined,
    { code: 'artifact_digest_mismatch' },
  ],
  ['is larger than allowed', () => chunks(content, content), content.length, { code: 'body_too_large' }],
  ['breaks off', () => chunks(content.subarray(0, 5), new Error('reset')), undefined, { message: 'reset' }],
])('an upload that %s leaves nothing', async (_, upload, limit, error) => {
  const artifacts = artifactStore(folder)
  await expect(artifacts.put(digest, upload(), limit)).rejects.toMatchObject(error)
  expect(await artifacts.has(digest)).toBe(false)
  expect(await leftOvers()).toEqual([])
})

test('of many who upload the same file at once all succeed', async () => {
  const artifacts = artifactStore(folder)
  const puts = Array.from({ length: 8 }, () =>
    artifacts.put(digest, chunks(content.subarray(0, 9), content.subarray(9))),
  )
  expect(await Promise.all(puts)).toEqual(puts.map(() => ({ digest, bytes: content.length })))
  expect(await artifacts.read(digest)).toEqual(content)
  expect(await leftOvers()).toEqual([])
})

test('a file that was damaged on disk is not handed out, and a new upload repairs it', async () => {
  const artifacts = artifactStore(folder)
  await artifacts.put(digest, content)
  await writeFile(stored(), content.subarray(0, 7))
  await expect(artifacts.read(digest)).rejects.toMatchObject({ code: 'artifact_digest_mismatch' })
  await expect(artifacts.materialise(digest, 'model.onnx')).rejects.toMatchObject({
    code: 'artifact_digest_mismatch',
  })
  await artifacts.put(digest, content)
  expect(await artifacts.read(digest)).toEqual(content)
})

test('a path for loaders keeps the extension and nothing else of the name', async () => {
  const artifacts = artifactStore(folder)
  await expect(artifacts.materialise(digest, 'model.onnx')).rejects.toMatchObject({
    code: 'artifact_missing',
  })
  await artifacts.put(digest, content)
  const names = ['model.onnx', '../../../etc/passwd', 'a/b.ts', 'x.'.padEnd(60, 'y'), 'none']
  const paths = await Promise.all(names.map((name) => artifacts.materialise(digest, name)))
  expect(paths.map((path) => path.slice(folder.length))).toEqual(
    ['.onnx', '', '.ts', '', ''].map((extension) => `/named/${hex}${extension}`),
  )
  for (const path of paths) expect(await readFile(path)).toEqual(content)
  expect(await artifacts.materialise(digest, 'model.onnx')).toBe(paths[0])
})

test('what is not a digest never becomes a path', async () => {
  const artifacts = artifactStore(folder)
  await expect(async () => artifacts.read('sha256:../../etc/passwd')).rejects.toMatchObject({
    code: 'invalid_request',
  })
})
