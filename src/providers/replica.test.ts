import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { seededRandom, silentLogger, systemClock } from '../kernel/index.ts'
import { createLinkServer, type LinkExchange, type LinkServer } from '../link/index.ts'
import { replicaUpstream } from './index.ts'
import { conformsToUpstream, type OtherSide } from './upstream.conformance.ts'

let folder: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slw-up-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

conformsToUpstream('a replica over the link', async () => {
  const address = `unix:${join(folder, `${++count}.sock`)}`
  const other = await linkSide(address)
  const upstream = replicaUpstream({
    replica: { id: 'r-1', address, draining: false },
    model: 'm',
    version: 'v1',
    contractDigest: 'sha256:c',
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger(),
  })
  return { upstream, other }
})

async function linkSide(address: string): Promise<OtherSide> {
  const state = { isHolding: false, failNext: false, seen: 0, cancelled: 0 }
  const held: LinkExchange[] = []
  let server: LinkServer
  const open = async () => {
    server = createLinkServer({
      clock: systemClock,
      hello: {
        protocol: 1,
        model: 'm',
        version: 'v1',
        replica: 'r-1',
        contract: 'sha256:c',
        credit: { rows: 1000, bytes: 1_000_000 },
      },
      onRequest: (exchange) => {
        state.seen++
        exchange.onCancel = () => {
          state.cancelled++
        }
        if (state.failNext) {
          state.failNext = false
          exchange.fail('model_failed', { reason: 'told to' })
        } else if (state.isHolding) held.push(exchange)
        else sumRows(exchange)
      },
    })
    await server.listen(address)
  }
  await open()
  return {
    hold: () => {
      state.isHolding = true
    },
    release: () => {
      state.isHolding = false
      for (const exchange of held.splice(0)) sumRows(exchange)
    },
    failNext: () => {
      state.failNext = true
    },
    seen: () => state.seen,
    cancelled: () => state.cancelled,
    vanish: () => server.close(),
    comeBack: async () => {
      state.isHolding = false
      await open()
    },
    close: () => server.close(),
  }
}

function sumRows(exchange: LinkExchange): void {
  const answer = Buffer.alloc(exchange.rows * 4)
  for (let row = 0; row < exchange.rows; row++) {
    let sum = 0
    for (let column = 0; column < 4; column++) sum += exchange.body.readFloatLE(row * 16 + column * 4)
    answer.writeFloatLE(sum, row * 4)
  }
  exchange.answer(exchange.rows, answer, { computeUs: 10, queueUs: 1, preprocessUs: 0 })
}
