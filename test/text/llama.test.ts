/** The sample of a language model, from its file to its answers: weights, draft and adapter out of the store. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { eventsIn } from '../../src/gateway/testing/text-world.ts'
import { systemClock } from '../../src/kernel/index.ts'

let installation: Installation

beforeAll(async () => {
  installation = await openInstallation()
  const add = spawn(join(process.cwd(), 'bin/slipway'), ['model', 'add', 'samples/llm/local.yaml'], {
    env: { ...process.env, SLIPWAY_DATA: installation.folder, NO_COLOR: '1' },
  })
  let told = ''
  for (const stream of [add.stdout, add.stderr])
    stream.on('data', (chunk) => {
      told += String(chunk)
    })
  const [status] = (await once(add, 'close')) as [number]
  expect([status, told]).toEqual([0, expect.stringContaining('mail_llm v1 serving (llama')])
  await until(async () => (await ask({})).status === 200)
}, 120_000)
afterAll(() => installation?.close())

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endsAtMs = systemClock.monotonicMs() + 30_000
  while (!(await holds())) {
    if (systemClock.monotonicMs() > endsAtMs) throw new Error(`not so within 30 s: ${String(holds)}`)
    await systemClock.sleep(30)
  }
}

function ask(more: object): Promise<Response> {
  return fetch(`${installation.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${installation.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'mail_llm',
      messages: [{ role: 'user', content: 'Subject: You have won a prize, click here' }],
      ...more,
    }),
  })
}

interface Completion {
  choices: { message: { content: string }; finish_reason: string }[]
  usage: { prompt_tokens: number; completion_tokens: number }
}

describe('the sample of a language model', () => {
  test('says the same, whole and streamed, and counts its tokens', async () => {
    const whole = (await (await ask({})).json()) as Completion
    const said = whole.choices[0]?.message.content ?? ''
    expect(said).toMatch(/\w/)
    expect([whole.usage.prompt_tokens > 0, whole.usage.completion_tokens > 0]).toEqual([true, true])
    const events = eventsIn(await (await ask({ stream: true })).text())
    expect(events.at(-1)).toBe('[DONE]')
    const streamed = events
      .slice(0, -1)
      .map((event) => (JSON.parse(event) as { choices: { delta: { content?: string } }[] }).choices[0])
      .map((choice) => choice?.delta.content ?? '')
      .join('')
    expect(streamed).toBe(said)
  })

  test('refuses by name what it does not have, and leaves it out where that is allowed', async () => {
    const refused = await ask({ reasoning_effort: 'low' })
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('reasoning_effort')])
    const asked = await fetch(`${installation.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.key}`,
        'content-type': 'application/json',
        'x-slipway-drop': 'reasoning_effort',
      },
      body: JSON.stringify({
        model: 'mail_llm',
        reasoning_effort: 'low',
        messages: [{ role: 'user', content: 'Subject: lunch' }],
      }),
    })
    expect([asked.status, asked.headers.get('x-slipway-drop')]).toEqual([200, 'reasoning_effort'])
  })
})
