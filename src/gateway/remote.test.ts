import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { SnapshotReplica } from '../contracts/index.ts'
import { World } from './testing/world.ts'

const RAW = 'application/octet-stream'
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** An endpoint that sums the pixels of each row, and remembers what it was sent. */
async function endpoint(write: (sums: number[]) => string = plain) {
  const bodies: string[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      bodies.push(body)
      const { inputs } = JSON.parse(body) as { inputs: { pixels: number[] }[] }
      const sums = inputs.map(({ pixels }) => pixels.reduce((sum, value) => sum + value, 0))
      response.writeHead(200, { 'content-type': 'application/json' }).end(write(sums))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict` }
}

function plain(sums: number[]): string {
  return `{"id":"é","outputs":[${sums.map((score) => `{"score":${score}}`).join(', ')}],"took":{"ms":1.0}}`
}

async function before(...replicas: SnapshotReplica[]): Promise<World> {
  const world = await World.open({ replicas: {} })
  open.unshift(world)
  const snapshot = world.snapshot()
  const model = snapshot.models[0] as (typeof snapshot.models)[0]
  const version = { label: 'v1', id: `sha256:${'1'.repeat(64)}`, maxBatchRows: 32, replicas }
  await world.swap({ ...snapshot, models: [{ ...model, versions: [version] }] })
  return world
}

const remote = (address: string, allowInner?: boolean): SnapshotReplica => ({
  id: 'remote-0',
  address,
  draining: false,
  ...(allowInner === undefined ? {} : { allowInner }),
})
const json = '{"inputs":[{"pixels":[0.1234567891, 2, 3, 4]},{"pixels":[1,1,1,1]}],"user":"é"}'
const raw = Buffer.from(new Float32Array([0.5, 2, 3, 4, 1, 1, 1, 1]).buffer)

test('JSON in, JSON out: rows and outputs pass as they were written', async () => {
  const { bodies, url } = await endpoint()
  const world = await before(remote(url, true))
  const answer = await world.send({ body: json })
  expect(answer.status).toBe(200)
  expect(bodies).toEqual(['{"inputs":[{"pixels":[0.1234567891, 2, 3, 4]},{"pixels":[1,1,1,1]}]}'])
  expect(answer.body.toString()).toBe(
    '{"model":"m","version":"v1","outputs":[{"score":9.1234567891}, {"score":4}]}',
  )
  expect(answer.headers['content-length']).toBe(String(answer.body.length))
  await world.send({ body: '{"inputs":[{"pixels":[1,2,3,4]}]}' })
  expect(bodies[1]).toBe('{"inputs":[{"pixels":[1,2,3,4]}]}')
})

test('text beyond ASCII comes out as it went in', async () => {
  const world = await World.open({
    replicas: {},
    contract: {
      inputs: [{ name: 'pixels', dtype: 'float32', shape: [4] }],
      outputs: [{ name: 'word', dtype: 'string', shape: [] }],
    },
  })
  open.unshift(world)
  const { url } = await endpoint((sums) => `{"outputs":[${sums.map(() => '{"word":"żółw 🐢"}').join()}]}`)
  const snapshot = world.snapshot()
  const model = snapshot.models[0] as (typeof snapshot.models)[0]
  const version = { label: 'v1', id: `sha256:${'1'.repeat(64)}`, maxBatchRows: 32 }
  const versions = [{ ...version, replicas: [remote(url, true)] }]
  await world.swap({ ...snapshot, models: [{ ...model, versions }] })
  expect((await world.predict([{ pixels: [1, 2, 3, 4] }])).json.outputs).toEqual([{ word: 'żółw 🐢' }])
})

test('the three other ways in and out', async () => {
  const { bodies, url } = await endpoint()
  const world = await before(remote(url, true))
  const rawIn = { 'content-type': RAW }
  const rawOut = { accept: RAW }
  const floats = (body: Buffer) => [body.readFloatLE(0), body.readFloatLE(4)]
  const first = await world.send({ body: raw, headers: rawIn })
  expect(first.json.outputs).toEqual([{ score: 9.5 }, { score: 4 }])
  const second = await world.send({ body: raw, headers: { ...rawIn, ...rawOut } })
  expect([second.headers['content-type'], floats(second.body)]).toEqual([RAW, [9.5, 4]])
  const third = await world.send({ body: json, headers: rawOut })
  expect(floats(third.body)).toEqual([Math.fround(9.1234567891), 4])
  expect(bodies.slice(0, 2)).toEqual(
    Array(2).fill('{"inputs":[{"pixels":[0.5,2,3,4]},{"pixels":[1,1,1,1]}]}'),
  )
})

test.each([
  ['a row too many', () => '{"outputs":[{"score":1},{"score":1}]}'],
  ['a field too many', () => '{"outputs":[{"score":1,"why":"so"}]}'],
  ['another type', () => '{"outputs":[{"score":"1"}]}'],
])('an answer against the contract is not passed on: %s', async (_, write) => {
  const { url } = await endpoint(write)
  const world = await before(remote(url, true))
  const answer = await world.predict([{ pixels: [1, 2, 3, 4] }])
  expect([answer.status, answer.json.code]).toEqual([502, 'model_failed'])
})

test('rows against the contract never leave', async () => {
  const { bodies, url } = await endpoint()
  const world = await before(remote(url, true))
  expect((await world.predict([{ pixels: [1, 2, 3] }])).json.code).toBe('rows_invalid')
  expect(bodies).toEqual([])
})

test('an inner address is called only where the configuration says so, and costs no other replica', async () => {
  const { bodies, url } = await endpoint()
  const world = await before(remote(url))
  expect((await world.predict([{ pixels: [1, 2, 3, 4] }])).json.code).toBe('replica_unready')
  expect(bodies).toEqual([])
  const snapshot = world.snapshot()
  const model = snapshot.models[0] as (typeof snapshot.models)[0]
  const version = { label: 'v1', id: `sha256:${'1'.repeat(64)}`, maxBatchRows: 32 }
  const beside = { ...remote(url, true), id: 'remote-1' }
  const versions = [{ ...version, replicas: [remote(url), beside] }]
  await world.swap({ ...snapshot, models: [{ ...model, versions }] })
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => world.predict([{ pixels: [1, 2, 3, 4] }])),
  )
  expect(answers.map(({ headers }) => headers['x-slipway-replica'])).toEqual(Array(8).fill('remote-1'))
  // The same replica, allowed now, is opened anew.
  await world.swap({
    ...world.snapshot(),
    models: [{ ...model, versions: [{ ...version, replicas: [remote(url, true)] }] }],
  })
  expect((await world.predict([{ pixels: [1, 2, 3, 4] }])).status).toBe(200)
})
