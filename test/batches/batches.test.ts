/** OpenAI's own client against files and batches, through gateway and control, before a provider on HTTP. */
import type OpenAI from 'openai'
import { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { skippingClock } from '../../src/gateway/testing/text-world.ts'
import { until } from '../../src/gateway/testing/world.ts'
import {
  type BatchWorld,
  chatLine,
  createBatch,
  ended,
  linesOf,
  openBatchWorld,
  uploadInput,
} from './batch-world.ts'

const clock = skippingClock()
let world: BatchWorld
beforeAll(async () => {
  world = await openBatchWorld({ clock, limits: { maxTries: 3 } })
})
afterAll(() => world.close())

describe('a batch', () => {
  test('answers each line by the text path, and tells what was used', async () => {
    const client = world.client()
    const made = await createBatch(client, [chatLine('a'), chatLine('b'), chatLine('c')], {
      metadata: { run: 'nightly' },
    })
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
    }
    const output = await client.files.retrieve(batch.output_file_id as string)
    expect(output).toMatchObject({ purpose: 'batch_output', filename: `${batch.id}_output.jsonl` })
  })

  test('is recorded as its key, at the lowest priority', async () => {
    const records = await world.world.records(3)
    const ofBatch = records.filter(({ model }) => model === 'chat')
    const mine = world.world.keys.at(-2)?.publicId
    for (const record of ofBatch) {
      expect([record.tenant, record.key]).toEqual(['default', mine])
      expect(record.text?.priority).toBe('batch')
    }
  })

  test('speaks the Responses API too', async () => {
    const client = world.client()
    const line = {
      custom_id: 'r',
      method: 'POST',
      url: '/v1/responses',
      body: { model: 'chat', input: 'hi' },
    }
    const batch = await ended(client, (await createBatch(client, [line], { endpoint: '/v1/responses' })).id)
    const [answer] = await linesOf(client, batch.output_file_id)
    expect(answer?.response?.body).toMatchObject({ object: 'response', status: 'completed' })
  })

  test('puts refusals into the error file, in the shape of OpenAI, and goes on', async () => {
    const { moods } = world.provider
    moods.set('bad', [400])
    const client = world.client()
    const batch = await ended(client, (await createBatch(client, [chatLine('bad'), chatLine('good')])).id)
    expect(batch).toMatchObject({
      status: 'completed',
      request_counts: { total: 2, completed: 1, failed: 1 },
    })
    const [error] = await linesOf(client, batch.error_file_id)
    expect(error).toMatchObject({ custom_id: 'bad', error: null, response: { status_code: 400 } })
    expect(error?.response?.body.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'upstream_rejected',
    })
    expect(await linesOf(client, batch.output_file_id)).toMatchObject([{ custom_id: 'good' }])
  })

  test('tells a model that is not here by line', async () => {
    const client = world.client()
    const batch = await ended(client, (await createBatch(client, [chatLine('x', 'x', { model: 'none' })])).id)
    const [error] = await linesOf(client, batch.error_file_id)
    expect(error?.response).toMatchObject({ status_code: 404, body: { error: { code: 'model_not_found' } } })
    expect(batch.output_file_id).toBeNull()
  })

  test('waits where there is no room, and tries bad luck again', async () => {
    const { asked, moods } = world.provider
    moods.set('busy', [429, 429])
    moods.set('flaky', [500, 500, 500])
    const client = world.client()
    const batch = await ended(client, (await createBatch(client, [chatLine('busy'), chatLine('flaky')])).id)
    expect(batch).toMatchObject({ status: 'completed', request_counts: { completed: 2, failed: 0 } })
    expect(asked.filter((question) => question === 'busy').length).toBe(3)
    expect(asked.filter((question) => question === 'flaky').length).toBe(4)
  }, 30_000)

  test('gives up on a line that always breaks something', async () => {
    world.provider.moods.set('poison', Array(50).fill(500))
    const client = world.client()
    const batch = await ended(client, (await createBatch(client, [chatLine('poison'), chatLine('fine')])).id)
    const [error] = await linesOf(client, batch.error_file_id)
    expect(error).toMatchObject({ custom_id: 'poison', response: { status_code: 502 } })
    expect(batch.request_counts).toEqual({ total: 2, completed: 1, failed: 1 })
  }, 30_000)

  test('that is cancelled keeps what was answered, and what was sent', async () => {
    const { asked, moods } = world.provider
    moods.set('slow', ['hold'])
    const client = world.client()
    const many = Array.from({ length: 400 }, (_, index) => chatLine(`later-${index}`))
    // The slow one keeps the batch from ending; others go by.
    const made = await createBatch(client, [chatLine('first'), chatLine('slow'), ...many])
    await until(() => asked.includes('first') && world.provider.held() === 1)
    const cancelling = await client.batches.cancel(made.id)
    expect(cancelling.status).toBe('cancelling')
    expect((await client.batches.cancel(made.id)).status).toMatch(/cancell/)
    world.provider.release()
    const batch = await ended(client, made.id)
    expect(batch.status).toBe('cancelled')
    const answered = await linesOf(client, batch.output_file_id)
    const unasked = await linesOf(client, batch.error_file_id)
    expect(answered.map(({ custom_id }) => custom_id)).toEqual(expect.arrayContaining(['first', 'slow']))
    expect(unasked[0]?.error?.code).toBe('batch_cancelled')
    expect(answered.length + unasked.length).toBe(402)
    expect(batch.request_counts).toEqual({ total: 402, completed: answered.length, failed: unasked.length })
    for (const { custom_id } of unasked) expect(asked).not.toContain(custom_id)
    await expect(client.batches.cancel(made.id)).resolves.toMatchObject({ status: 'cancelled' })
  })

  test('that ended cannot be cancelled', async () => {
    const client = world.client()
    const { id } = await ended(client, (await createBatch(client, [chatLine('z')])).id)
    await expect(client.batches.cancel(id)).rejects.toMatchObject({ status: 409, code: 'batch_conflict' })
  })

  test('goes on after a stop, each line once; and expires with its window', async () => {
    const { asked, moods } = world.provider
    const client = world.client()
    moods.set('e-hold', ['hold', 'hold'])
    const made = await createBatch(client, [chatLine('e-1'), chatLine('e-hold'), chatLine('e-2')])
    await until(() => asked.includes('e-1') && asked.includes('e-2') && world.provider.held() === 1)
    await until(async () => (await client.batches.retrieve(made.id)).request_counts?.completed === 2)
    await world.stop()
    await world.start()
    await until(() => asked.filter((question) => question === 'e-hold').length === 2)
    await world.stop()
    clock.skip(25 * 3_600_000)
    await world.start()
    const batch = await ended(client, made.id)
    expect(batch).toMatchObject({ status: 'expired', request_counts: { total: 3, completed: 2, failed: 1 } })
    expect((await linesOf(client, batch.output_file_id)).map(({ custom_id }) => custom_id).sort()).toEqual([
      'e-1',
      'e-2',
    ])
    expect(await linesOf(client, batch.error_file_id)).toMatchObject([
      { custom_id: 'e-hold', response: null, error: { code: 'batch_expired' } },
    ])
    expect(asked.filter((question) => question === 'e-1')).toHaveLength(1)
    world.provider.release()
  })

  test('lists newest first, page by page', async () => {
    const client = world.client()
    const all: string[] = []
    for await (const { id } of client.batches.list({ limit: 2 })) all.push(id)
    expect(all.length).toBeGreaterThan(5)
    expect(new Set(all).size).toBe(all.length)
    const times = await Promise.all(all.map(async (id) => (await client.batches.retrieve(id)).created_at))
    expect(times).toEqual([...times].sort((left, right) => right - left))
  })
})

const bad = (more: object) => JSON.stringify({ ...chatLine('bad'), ...more })
const ok = JSON.stringify(chatLine('ok'))

describe('an input is refused as a whole, by line', () => {
  test.each<[string, string, string, number | null, string | null]>([
    ['broken JSON', `${ok}\n\n{"custom_id": `, 'invalid_json_line', 3, null],
    ['no object', `[]\n${ok}`, 'invalid_json_line', 1, null],
    ['an id twice', `${ok}\n${bad({ custom_id: 'ok' })}`, 'duplicate_custom_id', 2, 'custom_id'],
    ['no id', bad({ custom_id: '' }), 'invalid_custom_id', 1, 'custom_id'],
    ['another url', `${ok}\n${bad({ url: '/v1/embeddings' })}`, 'invalid_url', 2, 'url'],
    ['another method', bad({ method: 'GET' }), 'invalid_method', 1, 'method'],
    ['no body', bad({ body: 'text' }), 'invalid_body', 1, 'body'],
    ['no model', bad({ body: { messages: [] } }), 'missing_model', 1, 'body.model'],
    ['mixed models', `${ok}\n${bad({ body: { model: 'other' } })}`, 'mismatched_model', 2, 'body.model'],
    ['a stream', bad({ body: { model: 'chat', stream: true } }), 'stream_not_supported', 1, 'body.stream'],
    ['nothing', '\n \n', 'empty_file', null, null],
  ])('%s', async (_, input, code, line, param) => {
    const client = world.client()
    const asked = world.provider.asked.length
    const batch = await ended(client, (await createBatch(client, input)).id)
    expect(batch).toMatchObject({ status: 'failed', output_file_id: null, error_file_id: null })
    expect(batch.errors).toMatchObject({ object: 'list', data: [{ code, line, param }] })
    expect(batch.errors?.data?.[0]?.message).toMatch(/\.$/)
    expect(world.provider.asked).toHaveLength(asked)
  })
})

describe('files', () => {
  test('come back as they were sent, whatever the order of the form', async () => {
    const client = world.client()
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256))
    const file = await client.files.create({
      file: await toFile(content, '../odd näme.bin'),
      purpose: 'user_data',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    })
    expect(file).toMatchObject({
      object: 'file',
      bytes: 300_000,
      filename: 'odd näme.bin',
      purpose: 'user_data',
    })
    expect(file.expires_at).toBe(file.created_at + 3600)
    expect(await client.files.retrieve(file.id)).toEqual(file)
    const back = Buffer.from(await (await client.files.content(file.id)).arrayBuffer())
    expect(back.equals(content)).toBe(true)
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true })
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404 })
  })

  test('end with their time', async () => {
    const client = world.client()
    const file = await client.files.create({
      file: await toFile(Buffer.from('short'), 's.txt'),
      purpose: 'assistants',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    })
    clock.skip(3_601_000)
    await expect(client.files.content(file.id)).rejects.toMatchObject({ status: 404 })
    await until(async () => (await world.store.clientFiles.known([file.id])).size === 0)
    await until(async () => {
      for await (const { name } of world.store.blobs.list()) if (name === file.id) return false
      return true
    })
  })

  test('list in order, page by page, by purpose', async () => {
    const client = world.client('rival')
    const made: string[] = []
    for (const name of ['1', '2', '3', '4', '5']) {
      const file = await toFile(Buffer.from(name), name)
      made.push((await client.files.create({ file, purpose: name === '3' ? 'vision' : 'user_data' })).id)
    }
    const idsOf = async (query: OpenAI.FileListParams) => {
      const ids: string[] = []
      for await (const { id } of client.files.list(query)) ids.push(id)
      return ids
    }
    expect(await idsOf({ limit: 2, order: 'asc' })).toEqual(made)
    expect(await idsOf({ limit: 2 })).toEqual([...made].reverse())
    expect(await idsOf({ purpose: 'vision' })).toEqual([made[2]])
    const page = await client.files.list({ limit: 2, order: 'asc', after: made[1] as string })
    expect(page.data.map(({ id }) => id)).toEqual(made.slice(2, 4))
    expect(page.has_more).toBe(true)
  })

  test('are not deleted while a batch reads them', async () => {
    const { moods } = world.provider
    moods.set('reading', ['hold'])
    const client = world.client()
    const made = await createBatch(client, [chatLine('reading')])
    await until(() => world.provider.held() === 1)
    await expect(client.files.delete(made.input_file_id)).rejects.toMatchObject({ status: 409 })
    world.provider.release()
    await ended(client, made.id)
    await client.files.delete(made.input_file_id)
  })

  test.each<[string, () => Promise<unknown>, number]>([
    ['a purpose that is not offered', () => upload('fine-tune'), 400],
    ['the purpose of outputs', () => upload('batch_output'), 400],
    ['an input that is none', async () => createOver('user_data'), 400],
    [
      'an unknown window',
      async () => createBatch(world.client(), [chatLine('w')], { completion_window: '30d' }),
      400,
    ],
    [
      'an endpoint that is not offered',
      () => createBatch(world.client(), [chatLine('w')], { endpoint: '/v1/videos' }),
      400,
    ],
    ['a file that is not here', () => world.client().files.retrieve('file-slw0000000000000000'), 404],
    ['a batch that is not here', () => world.client().batches.retrieve('batch_0000000000000000'), 404],
  ])('refuse %s', async (_, act, status) => {
    await expect(act()).rejects.toMatchObject({ status, type: 'invalid_request_error' })
  })

  test.each([
    [
      'a form that ends early',
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
      'does not parse',
    ],
    [
      'a form without a file',
      '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n',
      'no part called file',
    ],
    [
      'a form without a purpose',
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n',
      'purpose',
    ],
    [
      'another file',
      '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n--b--\r\n',
      'image',
    ],
  ])('tell what is wrong with %s, and leave nothing behind', async (_, body, reason) => {
    const count = async () => {
      let blobs = 0
      for await (const _ of world.store.blobs.list()) blobs++
      return blobs
    }
    const before = await count()
    const answer = await world.world.send({
      path: '/v1/files',
      body,
      headers: {
        authorization: `Bearer ${world.client().apiKey}`,
        'content-type': 'multipart/form-data; boundary=b',
      },
    })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({
      error: { code: 'file_invalid', message: expect.stringContaining(reason) },
    })
    expect(await count()).toBe(before)
  })
})

async function upload(purpose: string) {
  return await world.client().files.create({
    file: await toFile(Buffer.from('x'), 'x'),
    purpose: purpose as OpenAI.FilePurpose,
  })
}

async function createOver(purpose: OpenAI.FilePurpose) {
  const { id } = await upload(purpose)
  return await world.client().batches.create({
    input_file_id: id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  })
}

describe('tenants', () => {
  test('learn nothing of each other', async () => {
    const [ours, theirs] = [world.client(), world.client('rival')]
    const batch = await ended(ours, (await createBatch(ours, [chatLine('secret')])).id)
    const output = batch.output_file_id as string
    const attempts: (() => Promise<unknown>)[] = [
      () => theirs.batches.retrieve(batch.id),
      () => theirs.batches.cancel(batch.id),
      () => theirs.batches.list({ after: batch.id }),
      () => theirs.files.retrieve(output),
      () => theirs.files.content(output),
      () => theirs.files.delete(output),
      () => theirs.files.list({ after: output }),
      () =>
        theirs.batches.create({
          input_file_id: batch.input_file_id,
          endpoint: '/v1/chat/completions',
          completion_window: '24h',
        }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ status: 404 })
    const seen: string[] = []
    for await (const { id } of theirs.files.list()) seen.push(id)
    for await (const { id } of theirs.batches.list()) seen.push(id)
    expect(seen).not.toContain(output)
    expect(seen).not.toContain(batch.id)
    expect(await linesOf(ours, output)).toHaveLength(1)
  })

  test('are only acted for by who has the internal key', async () => {
    const victim = world.world.keys.at(-2)?.publicId as string
    const ask = (authorization: string) =>
      world.world.send({
        path: '/v1/chat/completions',
        body: JSON.stringify(chatLine('as').body),
        headers: { authorization, 'x-slipway-on-behalf-of': victim },
      })
    expect((await ask(`Bearer ${world.client('rival').apiKey}`)).status).toBe(401)
    expect((await ask(`Bearer ${world.world.control.internalKey}x`)).status).toBe(401)
    const internal = `Bearer ${world.world.control.internalKey}`
    expect((await ask(internal)).status).toBe(200)
    const headers = { authorization: internal, 'x-slipway-on-behalf-of': victim }
    expect((await world.control({ path: '/api/v1/files', headers })).statusCode).toBe(200)
    // Not where more than predicting is asked for, and not by a key of another kind.
    expect((await world.control({ path: '/api/v1/keys', headers })).statusCode).toBe(401)
    const rival = { ...headers, authorization: `Bearer ${world.client('rival').apiKey}` }
    expect((await world.control({ path: '/api/v1/files', headers: rival })).statusCode).toBe(401)
  })
})

describe('bounds', () => {
  let small: BatchWorld
  beforeAll(async () => {
    small = await openBatchWorld({
      limits: { maxFileBytes: 100_000, quotaBytes: 150_000, maxLines: 3, maxLineBytes: 2000 },
    })
  })
  afterAll(() => small.close())

  const sized = async (bytes: number) => toFile(Buffer.alloc(bytes, 0x20), 'blank')

  test('a file may have so many bytes, the files of a tenant so many together', async () => {
    const client = small.client()
    const create = async (bytes: number) =>
      client.files.create({ file: await sized(bytes), purpose: 'user_data' })
    await expect(create(5_000_000)).rejects.toMatchObject({ status: 413, code: 'body_too_large' })
    const { id } = await create(100_000)
    await expect(create(60_000)).rejects.toMatchObject({ status: 413, code: 'file_quota_reached' })
    await small.client('rival').files.create({ file: await sized(60_000), purpose: 'user_data' })
    await client.files.delete(id)
    const next = await create(60_000)
    await client.files.delete(next.id)
  })

  test('of uploads at the same time only what fits is taken', async () => {
    const client = small.client()
    const all = await Promise.allSettled(
      [1, 2, 3, 4].map(async () => client.files.create({ file: await sized(70_000), purpose: 'user_data' })),
    )
    const taken = all.filter(({ status }) => status === 'fulfilled')
    expect(taken).toHaveLength(2)
    for (const one of taken)
      await client.files.delete((one as PromiseFulfilledResult<{ id: string }>).value.id)
  })

  test('an input may have so many lines, a line so many bytes', async () => {
    const client = small.client()
    const lines = ['1', '2', '3', '4'].map((id) => chatLine(id))
    const many = await ended(client, (await createBatch(client, lines)).id)
    expect(many.errors?.data).toMatchObject([{ code: 'too_many_requests', line: null }])
    const long = await ended(
      client,
      (await createBatch(client, [chatLine('a'), chatLine('b', 'x'.repeat(3000))])).id,
    )
    expect(long.errors?.data).toMatchObject([{ code: 'line_too_long', line: 2 }])
  })

  test('when control is down, these paths say so and the others go on', async () => {
    const client = small.client()
    await uploadInput(client, [chatLine('a')])
    await small.world.control.stop()
    await expect(client.files.list()).rejects.toMatchObject({ status: 503, code: 'control_unavailable' })
    await expect(uploadInput(client, [chatLine('a')])).rejects.toMatchObject({ status: 503 })
    await expect(client.batches.list()).rejects.toMatchObject({
      message: expect.stringContaining('Control does not answer'),
    })
    const answer = await client.chat.completions.create({
      model: 'chat',
      messages: [{ role: 'user', content: 'still' }],
    })
    expect(answer.choices[0]?.message.content).toBe('re: still')
    await small.world.control.start()
    await expect(client.files.list()).resolves.toBeDefined()
  })
})
