import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { seededRandom, systemClock } from '../kernel/index.ts'
import { connectLink, createLinkServer, type LinkExchange, type LinkOutcome } from './index.ts'

/** How a run of random requests ends. */
const endings = ['drain', 'server dies', 'client closes'] as const

test.prop([fc.integer({ min: 0, max: 1 << 30 }), fc.constantFrom(...endings)], { numRuns: 40 })(
  'whatever is cancelled, late, failed or cut off: every request settles once, answers are their own, nothing stays',
  async (seed, ending) => {
    const random = seededRandom(seed)
    const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
    const kept: LinkExchange[] = []
    const server = createLinkServer({
      clock: systemClock,
      hello: {
        protocol: 1,
        model: 'm',
        version: 'v',
        replica: 'r',
        contract: 'c',
        credit: { rows: 20, bytes: 40_000 },
      },
      onRequest: (exchange) => {
        kept.push(exchange)
        if (random() < 0.5) settleOne(Math.floor(random() * kept.length))
      },
    })
    const settleOne = (index: number) => {
      const [exchange] = kept.splice(index, 1)
      if (exchange === undefined) return
      if (random() < 0.2) exchange.fail('model_failed', { reason: 'chance' })
      else exchange.answer(exchange.rows, exchange.body, { computeUs: 0, queueUs: 0, preprocessUs: 0 })
    }
    const address = await server.listen(`unix:${join(folder, 's')}`)
    const client = await connectLink(address, { clock: systemClock, maxQueuedRows: 60 })
    const outcomes = new Map<number, string[]>()
    const ids: number[] = []
    const sent = 150
    for (let index = 0; index < sent; index++) {
      const text = `${index}:`.padEnd(Math.floor(random() * (random() < 0.05 ? 30_000 : 50)) + 6, 'x')
      outcomes.set(index, [])
      const settle = (outcome: LinkOutcome) => {
        outcomes.get(index)!.push(outcome.ok ? 'ok' : outcome.code)
        if (outcome.ok) expect(outcome.body.toString()).toBe(text)
      }
      const deadlineMs = random() < 0.1 ? 1 + Math.floor(random() * 3) : 0
      ids.push(
        client.request({ rows: 1 + Math.floor(random() * 3), body: Buffer.from(text), deadlineMs }, settle),
      )
      if (random() < 0.1) client.cancel(ids[Math.floor(random() * ids.length)]!)
      if (random() < 0.2) await turn()
      if (random() < 0.5) settleOne(0)
    }
    const ended =
      ending === 'drain' ? server.drain(5000) : ending === 'server dies' ? server.close() : client.close()
    while (client.inFlight > 0 || client.state !== 'closed') {
      while (kept.length > 0) settleOne(0)
      await sleep(1)
    }
    expect(await ended).toBe(ending === 'drain' ? 0 : undefined)
    await server.close()
    for (const [index, told] of outcomes) expect([index, told]).toEqual([index, [expect.any(String)]])
    if (ending === 'drain') {
      expect([...outcomes.values()].flat()).not.toContain('replica_lost')
    }
    expect([client.inFlight, client.inFlightRows, server.inFlight, server.connections]).toEqual([0, 0, 0, 0])
    rmSync(folder, { recursive: true, force: true })
  },
)
