import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, expectTypeOf, test } from 'vitest'
import { type Change, errorTable } from '../contracts/index.ts'
import { createClient, digestOfFile, ProblemError, uploadFiles } from './index.ts'

type Answerer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void
const servers: (() => void)[] = []
afterEach(() => {
  for (const close of servers.splice(0)) close()
})

async function serve(answer: Answerer, port = 0): Promise<{ url: string; port: number; close: () => void }> {
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    answer(request, response, Buffer.concat(pieces))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  servers.push(close)
  const at = (server.address() as AddressInfo).port
  return { url: `http://127.0.0.1:${at}`, port: at, close }
}

const json = (response: ServerResponse, value: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json', etag: '"7"' }).end(JSON.stringify(value))

const model = {
  model: 'spam_filter',
  description: '',
  owner: '',
  task: '',
  framework: '',
  contract: {
    inputs: [{ name: 'text', dtype: 'string', shape: [] }],
    outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
  },
  captureFailures: true,
  createdAt: 1,
  champion: null,
  traffic: null,
  openChanges: [],
  openIncidents: 0,
}

test('a call fills the path, the query, the key and the body, and answers what the contract says', async () => {
  const seen: string[] = []
  const { url } = await serve((request, response, body) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
    if (request.method === 'PUT')
      return json(response, { model: 'm', revision: 8, shares: { a: 100 }, reason: 'person', updatedAt: 1 })
    json(response, { items: [], next: null })
  })
  const client = createClient({ controlUrl: `${url}/`, key: 'slw_abc' })
  expect(await client.call('listChanges', { query: { open: true, limit: 5 } })).toEqual({
    items: [],
    next: null,
  })
  const put = await client.send(
    'putTraffic',
    { params: { model: 'a b/..' }, body: { a: 100 } },
    { headers: { 'if-match': '"7"' } },
  )
  expect([put.answer.revision, put.headers.get('etag')]).toEqual([8, '"7"'])
  expect(seen).toEqual([
    'GET /api/v1/changes?open=true&limit=5 Bearer slw_abc ',
    'PUT /api/v1/deployments/a%20b%2F../traffic Bearer slw_abc {"a":100}',
  ])
})

test('the table gives every call its own types', () => {
  const client = createClient({ controlUrl: 'http://127.0.0.1:1' })
  const get = () => client.call('getChange', { params: { change: 'c-7f3a' } })
  expectTypeOf(get).returns.resolves.toEqualTypeOf<Change>()
  // @ts-expect-error a change id is needed
  const _withoutId = () => client.call('getChange')
  // @ts-expect-error this route has no body
  const _withBody = () => client.call('getChange', { params: { change: 'c-7f3a' }, body: {} })
  // @ts-expect-error only event routes stream
  const _noStream = () => client.events('getChange')
  expectTypeOf(() => client.call('getArtifact', { params: { digest: 'x' } })).returns.resolves.toEqualTypeOf<
    Uint8Array<ArrayBuffer>
  >()
})

test('fields that a newer server adds are dropped, a missing one is told', async () => {
  const { url } = await serve((request, response) => {
    const { captureFailures: _, openChanges: __, ...less } = model
    json(
      response,
      request.url?.endsWith('/less')
        ? less
        : { ...model, new: 1, contract: { ...model.contract, extra: true } },
    )
  })
  const client = createClient({ controlUrl: url })
  expect(await client.call('getModel', { params: { model: 'more' } })).toEqual(model)
  await expect(client.call('getModel', { params: { model: 'less' } })).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringMatching(/another form than its contract: openChanges/),
  })
})

test('a problem keeps code, hint, pointer and request id', async () => {
  const told = {
    type: 'https://slipway.dev/errors#unknown_change',
    title: 'Unknown change',
    status: 404,
    code: 'unknown_change',
    detail: 'No change is called "c-0000".',
    hint: 'See GET /api/v1/changes.',
    requestId: 'r-1',
  }
  const { url } = await serve((_, response) => json(response, told, 404))
  const failed = await createClient({ controlUrl: url })
    .call('getChange', { params: { change: 'c-0000' } })
    .catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ProblemError)
  expect(failed).toMatchObject({
    code: 'unknown_change',
    status: 404,
    hint: told.hint,
    requestId: 'r-1',
    message: told.detail,
  })
})

test('what is not ours is told by its status; silence and a closed port have their own codes', async () => {
  const page = await serve((_, response) => response.writeHead(502).end('<html>Bad Gateway'))
  await expect(createClient({ controlUrl: page.url }).call('status')).rejects.toMatchObject({
    code: 'internal',
    status: 502,
  })
  const silent = await serve(() => undefined)
  await expect(createClient({ controlUrl: silent.url, timeoutMs: 50 }).call('status')).rejects.toMatchObject({
    code: 'deadline_exceeded',
  })
  const gone = await serve(() => undefined)
  gone.close()
  await expect(createClient({ controlUrl: gone.url }).call('status')).rejects.toMatchObject({
    code: 'control_unavailable',
    hint: errorTable.control_unavailable[2],
    message: `Nothing answers at ${gone.url}.`,
  })
  const leaving = AbortSignal.abort(new Error('left'))
  await expect(
    createClient({ controlUrl: silent.url }).call('status', {}, { signal: leaving }),
  ).rejects.toThrow('left')
})

test('each walks all pages', async () => {
  const { url } = await serve((request, response) => {
    const cursor = new URL(request.url ?? '', 'http://x').searchParams.get('cursor')
    const key = (publicId: string) => ({
      publicId,
      name: 'n',
      tenant: 't',
      scopes: ['read'],
      limits: {},
      createdAt: 1,
      expiresAt: null,
      revokedAt: null,
    })
    json(
      response,
      cursor === null ? { items: [key('a'), key('b')], next: 'two' } : { items: [key('c')], next: null },
    )
  })
  const ids: string[] = []
  for await (const item of createClient({ controlUrl: url }).each('listKeys')) ids.push(item.publicId)
  expect(ids).toEqual(['a', 'b', 'c'])
})

test('files travel as bytes under their digest, the same content once', async () => {
  const put: string[] = []
  const { url } = await serve((request, response, body) => {
    put.push(`${request.headers['content-type']} ${body}`)
    json(
      response,
      { digest: decodeURIComponent(request.url?.split('/').at(-1) ?? ''), bytes: body.length },
      201,
    )
  })
  const references = await uploadFiles(
    createClient({ controlUrl: url }),
    [
      { path: './models/a.onnx', pointer: '/to/artifact' },
      { path: './copy.ts', pointer: '/to/preprocess' },
    ],
    async () => new TextEncoder().encode('same'),
  )
  const digest = await digestOfFile(new TextEncoder().encode('same'))
  expect(digest).toBe('sha256:0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5')
  expect(put).toEqual(['application/octet-stream same'])
  expect(references.get('/to/artifact')).toEqual({ digest, name: 'a.onnx' })
})

test('events survive a cut line and a server that comes back; a refusal ends them', async () => {
  const stop = new AbortController()
  const asked: (string | undefined)[] = []
  const first = await serve((request, response) => {
    asked.push(request.headers['last-event-id'] as string | undefined)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\r\n\r\nevent: change\r\nid: 1\r\ndata: {"a":\r\ndata: 1}\r\n\r')
    setTimeout(() => response.write('\nevent: change\nid: 2\ndata: {"cut'), 10)
    setTimeout(() => response.destroy(), 30)
  })
  const client = createClient({ controlUrl: first.url })
  const states: string[] = []
  const got: unknown[] = []
  for await (const event of client.events('events', {
    signal: stop.signal,
    onState: (state) => states.push(state),
  })) {
    got.push(event)
    if (got.length === 2) stop.abort()
  }
  expect(got).toEqual([
    { event: 'change', data: { a: 1 }, id: '1' },
    { event: 'change', data: { a: 1 }, id: '1' },
  ])
  expect(asked).toEqual([undefined, '1'])
  expect(states).toEqual(['open', 'lost', 'open'])
  const refusing = await serve((_, response) =>
    json(response, { type: '', title: '', status: 401, code: 'unauthenticated', detail: 'no' }, 401),
  )
  await expect(createClient({ controlUrl: refusing.url }).events('events').next()).rejects.toMatchObject({
    code: 'unauthenticated',
  })
})

test('a stream that goes silent is taken for dead and opened again', async () => {
  let opened = 0
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(++opened === 1 ? ': nothing follows\n\n' : 'data: 2\n\n')
  })
  const stop = new AbortController()
  const events = createClient({ controlUrl: url }).events('events', {
    signal: stop.signal,
    idleTimeoutMs: 50,
  })
  expect((await events.next()).value).toEqual({ event: 'message', data: 2, id: undefined })
  stop.abort()
})
