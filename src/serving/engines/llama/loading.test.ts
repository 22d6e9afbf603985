import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LlamaSettings } from '../../../contracts/index.ts'
import { systemClock } from '../../../kernel/index.ts'
import { type LlamaOptions, llamaEngine } from './llama.ts'
import { memoryRefusal } from './memory-plan.ts'
import { generate, loadedEngine, loadOf, MODEL, SPECULATION, say } from './testing/sample.ts'

let folder: string
let whole: Buffer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-gguf-'))
  whole = await readFile(MODEL)
})
afterAll(() => rm(folder, { recursive: true }))

async function failureOf(bytes: Buffer): Promise<{ code: string; message: string }> {
  const path = join(folder, 'file.gguf')
  await writeFile(path, bytes)
  return await refusalOf({}, {}, path)
}

async function refusalOf(
  settings: Partial<LlamaSettings>,
  options: LlamaOptions = {},
  path = MODEL,
): Promise<{ code: string; message: string }> {
  const engine = llamaEngine(systemClock, options)
  try {
    await engine.load(loadOf(settings, path))
  } catch (error) {
    return error as { code: string; message: string }
  }
  await engine.unload()
  throw new Error('it loaded')
}

function changed(at: number, byte: number): Buffer {
  const bytes = Buffer.from(whole)
  bytes[at] = byte
  return bytes
}

describe('a damaged file is told as such', () => {
  test.each<[string, () => Buffer, string]>([
    ['empty', () => Buffer.alloc(0), 'does not begin as a GGUF'],
    ['something else', () => Buffer.from('PK\u0003\u0004'.repeat(100)), 'does not begin as a GGUF'],
    ['of a version to come', () => changed(4, 9), 'GGUF version 9'],
    ['with an absurd count', () => changed(15, 255), 'counts more parts'],
    ['cut in its header', () => whole.subarray(0, 3000), 'failed to read key-value pairs'],
    ['cut in its weights', () => whole.subarray(0, 700_000), 'not within the file bounds'],
    ['cut by one byte', () => whole.subarray(0, whole.length - 1), 'not within the file bounds'],
  ])('%s', async (_, bytes, reason) => {
    const failure = await failureOf(bytes())
    expect(failure.code).toBe('artifact_unreadable')
    expect(failure.message).toContain(reason)
    expect(failure.message).not.toContain(folder)
  })

  test('bytes changed anywhere in the header never take the process with them', async () => {
    for (let at = 24; at < 1200; at += 97) {
      const path = join(folder, 'file.gguf')
      await writeFile(path, changed(at, (whole[at] as number) ^ 0x55))
      const engine = llamaEngine(systemClock)
      await engine.load(loadOf({}, path)).catch((error: { code?: string }) => {
        expect(['artifact_unreadable', 'contract_broken']).toContain(error.code)
      })
      await engine.unload()
    }
  })

  test('an adapter and a draft model that are none', async () => {
    const path = join(folder, 'not.gguf')
    await writeFile(path, 'nothing')
    for (const [place, settings] of [
      [
        'llama/loras/0/artifact',
        { loras: [{ name: 'x', scale: 1, artifact: { digest: `sha256:${'0'.repeat(64)}`, name: 'x' } }] },
      ],
      ['llama/speculation/artifact', { speculation: SPECULATION.draft }],
    ] as const) {
      const engine = llamaEngine(systemClock)
      const wanted = loadOf(settings as Partial<LlamaSettings>)
      const files = new Map([...wanted.files, [place, path]])
      await expect(engine.load({ ...wanted, files })).rejects.toMatchObject({ code: 'artifact_unreadable' })
    }
  })
})

test('a draft model of another vocabulary is refused', async () => {
  const wanted = loadOf({ speculation: SPECULATION.draft })
  const draft = await readFile(wanted.files.get('llama/speculation/artifact') as string)
  const path = join(folder, 'other-words.gguf')
  const other = Buffer.from(draft)
  other.write('Wubject', other.indexOf('Subject'))
  await writeFile(path, other)
  const engine = llamaEngine(systemClock)
  const files = new Map([...wanted.files, ['llama/speculation/artifact', path]])
  await expect(engine.load({ ...wanted, files })).rejects.toMatchObject({
    code: 'contract_broken',
    message: expect.stringContaining('the draft model does not go with it'),
  })
})

describe('memory is planned before it is taken', () => {
  test('what does not fit is refused with what would', async () => {
    const failure = await refusalOf({ sequences: 8, maxMemoryBytes: 6_000_000 })
    expect(failure.code).toBe('contract_broken')
    expect(failure.message).toMatch(
      /weights 1\.3 MB, KV of 8 × 512 tokens 3\.1 MB and buffers .* maxMemoryBytes is 6\.0 MB/,
    )
    const free = await refusalOf({}, { availableBytes: () => 3_000_000 })
    expect(free.message).toContain('free memory is 3.0 MB')
  })

  test('what is planned is what it has', async () => {
    const engine = await loadedEngine({ sequences: 2, contextTokens: 256 })
    // 3 layers, 2 heads of keys and values of 32, half precision; 2 sequences of 256.
    expect(engine.describe()).toMatchObject({
      kvBytes: 3 * 2 * 64 * 2 * 512,
      contextTokens: 256,
      sequences: 2,
    })
    expect(engine.gauges).toMatchObject({ kvBlocksTotal: 32, kvBlocksUsed: 0 })
    await generate(engine, say('Hello', { maxOutputTokens: 2 }))
    expect(engine.gauges.kvBlocksUsed).toBe(1)
    await engine.unload()
  })

  test('no more context than the model was trained for', async () => {
    const engine = await loadedEngine({ contextTokens: 100_000, sequences: 1 })
    expect(engine.describe().contextTokens).toBe(512)
    await engine.unload()
  })

  const plan = { contextTokens: 1024, sequences: 4, weightsBytes: 10e6, kvBytes: 40e6, bufferBytes: 5e6 }
  test.each([
    [55e6, undefined],
    [54e6, '3 sequences would fit'],
    [25e6, '1 sequence would fit'],
    [20e6, 'one sequence of 512 tokens would fit'],
    [14e6, 'maxMemoryBytes is 14.0 MB'],
  ])('%i bytes', (limitBytes, expected) => {
    const refusal = memoryRefusal(plan, limitBytes, 'maxMemoryBytes')
    if (expected === undefined) expect(refusal).toBeUndefined()
    else expect(refusal?.endsWith(expected)).toBe(true)
  })
})

test('one after the other in one process, and the memory comes back', async () => {
  const residentBytes = async () => {
    const engine = await loadedEngine({ sequences: 8 })
    await generate(engine, say('Hello', { maxOutputTokens: 4 }))
    await engine.unload()
    return process.memoryUsage.rss()
  }
  for (let warm = 0; warm < 3; warm++) await residentBytes()
  const before = await residentBytes()
  for (let round = 0; round < 8; round++) await residentBytes()
  // Each holds some 15 MB while it is loaded.
  expect((await residentBytes()) - before).toBeLessThan(60e6)
})
