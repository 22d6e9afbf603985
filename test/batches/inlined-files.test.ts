/** Files that were uploaded here, named in requests: what a provider gets for them. */
import type OpenAI from 'openai'
import { toFile } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BatchWorld, chatLine, createBatch, ended, linesOf, openBatchWorld } from './batch-world.ts'

let world: BatchWorld
let client: OpenAI
beforeAll(async () => {
  world = await openBatchWorld()
  client = world.client()
})
afterAll(() => world.close())

const pdf = Buffer.from('%PDF-1.7 a page')
const png = Buffer.from('89504e470d0a1a0a00', 'hex')
const urlOf = (mediaType: string, content: Buffer) => `data:${mediaType};base64,${content.toString('base64')}`

async function upload(
  content: Buffer,
  name: string,
  purpose: OpenAI.FilePurpose = 'user_data',
  owner = client,
) {
  return (await owner.files.create({ file: await toFile(content, name), purpose })).id
}

const chat = (...content: unknown[]) =>
  client.chat.completions.create({
    model: 'chat',
    messages: [{ role: 'user', content: content as OpenAI.ChatCompletionContentPart[] }],
  })
const part = (id: string) => ({ type: 'file', file: { file_id: id } })

test('a file of a chat goes out by its content, an image as one', async () => {
  const [page, picture] = [await upload(pdf, 'page.pdf'), await upload(png, 'p.bin', 'vision')]
  await chat({ type: 'text', text: 'What is this?' }, part(page), part(picture), part(page))
  const document = { type: 'file', file: { filename: 'page.pdf', file_data: urlOf('application/pdf', pdf) } }
  expect(world.provider.last().content).toEqual([
    { type: 'text', text: 'What is this?' },
    document,
    { type: 'image_url', image_url: { url: urlOf('image/png', png) } },
    document,
  ])
})

test('one of the Responses API too', async () => {
  const [page, picture] = [await upload(pdf, 'page.pdf'), await upload(png, 'p.png')]
  await client.responses.create({
    model: 'chat',
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_image', file_id: picture, detail: 'auto' },
          { type: 'input_file', file_id: page },
        ],
      },
    ],
  })
  expect(world.provider.last().content).toMatchObject([
    { type: 'image_url', image_url: { url: urlOf('image/png', png) } },
    { type: 'file', file: { file_data: urlOf('application/pdf', pdf) } },
  ])
})

test("and of Anthropic's messages", async () => {
  const picture = await upload(png, 'p.png')
  const answer = await world.world.send({
    path: '/v1/messages',
    headers: { authorization: `Bearer ${client.apiKey}` },
    body: JSON.stringify({
      model: 'chat',
      max_tokens: 9,
      messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: picture } }] }],
    }),
  })
  expect(answer.status).toBe(200)
  expect(world.provider.last().content).toMatchObject([{ image_url: { url: urlOf('image/png', png) } }])
})

test('lines of a batch name files of their tenant', async () => {
  const page = await upload(pdf, 'page.pdf')
  const line = chatLine('l', 'l', { messages: [{ role: 'user', content: [part(page)] }] })
  const batch = await ended(client, (await createBatch(client, [line])).id)
  expect(await linesOf(client, batch.output_file_id)).toHaveLength(1)
  expect(world.provider.last().content).toMatchObject([
    { file: { file_data: urlOf('application/pdf', pdf) } },
  ])
})

test("a provider's own file goes on by its id", async () => {
  await chat(part('file-abc123'))
  expect(world.provider.last().content).toEqual([part('file-abc123')])
})

test('an id that stands in a text is a text', async () => {
  const page = await upload(pdf, 'page.pdf')
  await chat({ type: 'text', text: page })
  expect(world.provider.last().content).toEqual([{ type: 'text', text: page }])
})

test.each<[string, () => Promise<string>, number, string]>([
  ["another tenant's", () => upload(pdf, 'x.pdf', 'user_data', world.client('rival')), 404, 'unknown_file'],
  ['an unknown one', async () => 'file-slw0000000000000000', 404, 'unknown_file'],
  ['the input of a batch', () => upload(pdf, 'x.jsonl', 'batch'), 400, 'file_not_inlined'],
  ['one that no request can hold', () => upload(Buffer.alloc(30_000_000), 'x.bin'), 413, 'body_too_large'],
])('%s is refused by its place', async (_, make, status, code) => {
  const asked = world.provider.asked.length
  await expect(chat({ type: 'text', text: 'Look' }, part(await make()))).rejects.toMatchObject({
    status,
    code,
    param: 'messages[0].content[1].file.file_id',
  })
  expect(world.provider.asked).toHaveLength(asked)
})

test('without control a request with a file is told so, one without goes on', async () => {
  const page = await upload(pdf, 'page.pdf')
  await world.world.control.stop()
  await expect(chat(part(page))).rejects.toMatchObject({ status: 503, code: 'control_unavailable' })
  await chat({ type: 'text', text: 'still' })
  await world.world.control.start()
})
