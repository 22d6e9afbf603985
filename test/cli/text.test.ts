import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestApi, type TestApi } from '../../src/api/testing/open-api.ts'
import { newModel, textContract } from '../../src/contracts/index.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { openTestStore, sampleRecord, sampleText } from '../../src/store/testing.ts'
import { createTelemetry, type Telemetry } from '../../src/telemetry/index.ts'

/** Commands of models of text as they are typed, on the real API. */

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
let api: TestApi
let telemetry: Telemetry
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  const store = await openTestStore()
  telemetry = createTelemetry({ store, clock: systemClock, logger: silentLogger() })
  api = await openTestApi({ store, telemetry })
  await store.models.create(newModel.parse({ model: 'support_chat', contract: textContract }))
  await store.settings.put('provider', 'openai-main', { name: 'openai-main', kind: 'openai' } as never)
  environment = {
    ...process.env,
    NO_COLOR: '1',
    SLIPWAY_CONTROL_URL: api.url,
    SLIPWAY_GATEWAY_URL: api.url,
    SLIPWAY_KEY: await api.keyFor('deploy', 'read'),
  }
})
afterAll(async () => {
  await telemetry.close()
  await api.close()
})

async function slipway(...typed: string[]) {
  try {
    const { stdout } = await run(`${root}bin/slipway`, typed, { env: environment, cwd: root })
    return { code: 0, out: stdout }
  } catch (error) {
    const { code, stderr, stdout } = error as { code: number; stderr: string; stdout: string }
    return { code, out: stdout + stderr }
  }
}

describe('model version', () => {
  test('add registers what the file says, and says how it gets traffic', async () => {
    const added = await slipway('model', 'version', 'add', 'support_chat', 'samples/llm/version.yaml')
    expect(added).toMatchObject({ code: 0 })
    expect(added.out).toContain('Next: slipway deploy support_chat v2 --traffic 10')
    const { spec } = await api.store.versions.get('support_chat', 'v2')
    expect(spec).toMatchObject({ engine: 'openai', provider: 'openai-main', modelName: 'gpt-4.1-mini' })
    expect((await slipway('model', 'version', 'list', 'support_chat')).out).toMatch(
      /v2 +openai +gpt-4.1-mini at openai-main/,
    )
  })

  test('a model that is not there, and a file that is none, are refused with what to do', async () => {
    const nobody = await slipway('model', 'version', 'add', 'nobody', 'samples/llm/version.yaml')
    expect(nobody.code).toBe(3)
    expect(nobody.out).toContain('nobody')
    const wrong = await slipway('model', 'version', 'add', 'support_chat', 'samples/llm/model.yaml')
    expect(wrong.code).toBe(3)
    expect(wrong.out).toContain('samples/llm/model.yaml')
  })
})

describe('text stats', () => {
  test('says that nothing was asked, and refuses spans that are none', async () => {
    expect((await slipway('text', 'stats', 'support_chat')).out).toBe(
      'support_chat: nothing was asked in the last 1h.\n',
    )
    expect(await slipway('text', 'stats', 'support_chat', '--since', '8d')).toMatchObject({ code: 3 })
  })

  test('shows what is known, and says what is not', async () => {
    const record = { ...sampleRecord(), at: Date.now(), model: 'support_chat', version: 'v2' }
    const text = sampleText('p')
    const unknown = {
      ...text,
      usage: { ...text.usage, input: null, output: null },
      cost: { state: 'unknown' as const, costUsd: null, price: null },
    }
    await telemetry.ingest({
      gateway: 'g',
      sequence: 1,
      dropped: 0,
      records: [
        { ...record, requestId: 'one', text },
        { ...record, requestId: 'two', text: unknown },
      ],
    })
    const { out } = await slipway('text', 'stats', 'support_chat')
    expect(out).toMatch(/v2 +2 +.*≥ 12 +≥ 3 .*\$0\.0000036 exact, unknown for 1/)
    const { out: json } = await slipway('text', 'stats', 'support_chat', '--json')
    expect(JSON.parse(json)).toMatchObject({ model: 'support_chat', total: { requests: 2 } })
  })
})
