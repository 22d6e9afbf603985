/** OpenAI's own client against files and batches, through gateway and control, before a provider on HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BatchWorld, chatLine, createBatch, ended, linesOf, openBatchWorld } from './batch-world.ts'

let world: BatchWorld
beforeAll(async () => {
  world = await openBatchWorld()
})
afterAll(() => world.close())

describe('a batch', () => {
  test('answers each line by the text path, and tells what was used', async () => {
    const client = world.client()
    const made = await createBatch(
      client,
      [chatLine('a'), chatLine('b'), chatLine('c', 'c', { model: 'chat' })],
      {
        metadata: { run: 'nightly' },
      },
    )
    expect(made).toMatchObject({ object: 'batch', status: 'validating', metadata: { run: 'nightly' } })
    const batch = await ended(client, made.id)
    expect(batch).toMatchObject({
      status: 'completed',
      model: 'chat',
      errors: null,
      error_file_id: null,
      request_counts: { total: 3, completed: 3, failed: 0 },
      usage: { input_tokens: 9, output_tokens: 6, total_tokens: 15 },
    })
    expect((batch.expires_at as number) - batch.created_at).toBe(86_400)
    const lines = await linesOf(client, batch.output_file_id)
    expect(lines.map(({ custom_id }) => custom_id).sort()).toEqual(['a', 'b', 'c'])
    for (const line of lines) {
      expect(line).toMatchObject({ error: null, response: { status_code: 200 } })
      expect(line.response?.body.choices[0].message.content).toBe(`re: ${line.custom_id}`)
      expect(line.response?.body.object).toBe('chat.completion')
    }
    const output = await client.files.retrieve(batch.output_file_id as string)
    expect(output).toMatchObject({ purpose: 'batch_output', filename: `${batch.id}_output.jsonl` })
  })
})
