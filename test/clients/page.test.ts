/** The clients of docs/llm.md, pasted as they stand there; only the address is another. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { readPage } from '../docs/pages.ts'
import { openaiChat, openScriptedServer, type ScriptedServer } from '../wall/index.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'
import { python, pythonPackages, run } from './python.ts'

const page = readPage('docs/llm.md')
const blocks = page.blocks.filter(
  ({ language, text }) => ['ts', 'python'].includes(language) && text.includes('KEY'),
)
let provider: ScriptedServer
let world: World

beforeAll(async () => {
  provider = await openScriptedServer(openaiChat)
  world = await openRemoteWorld(
    { house: provider.origin },
    [scriptedModel('support_chat', { v1: { provider: 'house' } })],
    5000,
  )
})
afterAll(async () => {
  await world.close()
  await provider.close()
})

test.each(blocks.map((block) => [`line ${block.line}: ${block.text.split('\n')[0]}`, block] as const))(
  '%s',
  { timeout: 180_000 },
  async (_, { language, text }) => {
    const script = text.replaceAll('127.0.0.1:8080', `127.0.0.1:${world.port}`)
    const out =
      language === 'ts'
        ? await run(process.execPath, [module(script)], { KEY: world.key })
        : await python(['-s', '-c', script], {
            KEY: world.key,
            PYTHONPATH: await pythonPackages('openai~=3.57', 'anthropic~=2.14'),
          })
    expect(out.trim()).toBe(openaiChat.fixtures.text.truth.text)
  },
)

test('every client that the tests run is shown', () => {
  const shown = blocks.map(({ text }) => text).join('\n')
  for (const name of ['openai', '@anthropic-ai/sdk', '@ai-sdk/openai-compatible', '@langchain/openai'])
    expect(shown).toContain(`from '${name}'`)
  for (const name of ['openai', 'anthropic']) expect(shown).toContain(`from ${name} import`)
})

/** Where Node finds what is installed here; nothing in the script needs its types taken away. */
function module(script: string): string {
  const folder = resolve('node_modules/.cache/slipway-page')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${process.pid}.mjs`)
  writeFileSync(file, script)
  return file
}
