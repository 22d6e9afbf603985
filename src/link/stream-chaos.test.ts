import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { seededRandom, systemClock } from '../kernel/index.ts'
import {
  connectLink,
  createLinkServer,
  type LinkStream,
  type LinkStreamExchange,
  type LinkStreamOutcome,
} from './index.ts'

const endings = ['drain', 'server dies', 'client closes'] as const
const WINDOW_BYTES = 2000

test.prop([fc.integer({ min: 0, max: 1 << 30 }), fc.constantFrom(...endings)], { numRuns: 40 })(
  'whatever is paused, cancelled, late, failed or cut off: events are a beginning of what was said, and whole at a good end',
  async (seed, ending) => {
    const random = seededRandom(seed)
    const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
    const said = new Map<string, number>()
    const speaking: Speaker[] = []
    const server = createLinkServer({
      clock: systemClock,
      hello: {
        protocol: 1,
        model: 'm',
        version: 'v',
        replica: 'r',
        contract: 'c',
        credit: { rows: 10, bytes: 40_000 },
        streams: true,
      },
      onRequest: () => undefined,
      onAsk: (exchange) => void speaking.push(new Speaker(exchange)),
    })
    /** Says what it numbers, does not speak while its window is shut, and ends when it is told or left. */
    class Speaker {
      readonly exchange: LinkStreamExchange
      readonly name: string
      isOpen = true
      constructor(exchange: LinkStreamExchange) {
        this.exchange = exchange
        this.name = exchange.body.toString()
        said.set(this.name, 0)
        exchange.onCancel = () => this.end()
        exchange.onWindow = (isOpen) => {
          this.isOpen = isOpen
        }
      }
      say(): void {
        const number = said.get(this.name) as number
        if (!this.isOpen) return
        said.set(this.name, number + 1)
        this.exchange.emit(JSON.stringify(`${this.name}/${number}`.padEnd(Math.floor(random() * 200))))
      }
      end(): void {
        const at = speaking.indexOf(this)
        if (at >= 0) speaking.splice(at, 1)
        if (random() < 0.1) this.exchange.fail('model_failed', { reason: 'chance' })
        else this.exchange.end({ said: said.get(this.name) as number })
      }
    }
    const move = () => {
      for (const speaker of [...speaking]) {
        if (random() < 0.7) speaker.say()
        if (random() < 0.03) speaker.end()
      }
    }
    const address = await server.listen(`unix:${join(folder, 's')}`)
    const client = await connectLink(address, { clock: systemClock, maxQueuedRows: 30 })
    const heard = new Map<string, number>()
    const outcomes = new Map<string, LinkStreamOutcome[]>()
    const streams: LinkStream[] = []
    for (let index = 0; index < 60; index++) {
      const name = String(index)
      outcomes.set(name, [])
      heard.set(name, 0)
      const stream = client.stream(
        {
          body: Buffer.from(name),
          header: {},
          windowBytes: WINDOW_BYTES,
          deadlineMs: random() < 0.1 ? 1 + Math.floor(random() * 5) : 0,
        },
        {
          events(body) {
            expect(outcomes.get(name)).toEqual([])
            for (const event of JSON.parse(body.toString()) as string[]) {
              const number = heard.get(name) as number
              expect(event.trimEnd()).toBe(`${name}/${number}`)
              heard.set(name, number + 1)
            }
            if (random() < 0.1) stream.pause()
          },
          settled: (outcome) => void outcomes.get(name)?.push(outcome),
        },
      )
      streams.push(stream)
      if (random() < 0.1) streams[Math.floor(random() * streams.length)]?.cancel()
      if (random() < 0.2) streams[Math.floor(random() * streams.length)]?.pause()
      if (random() < 0.4) streams[Math.floor(random() * streams.length)]?.resume()
      if (random() < 0.5) await turn()
      move()
    }
    const ended =
      ending === 'drain' ? server.drain(20_000) : ending === 'server dies' ? server.close() : client.close()
    const isSettled = () => [...outcomes.values()].every((told) => told.length > 0)
    while (!isSettled() || client.state !== 'closed') {
      for (const stream of streams) stream.resume()
      move()
      await sleep(1)
    }
    expect(await ended).toBe(ending === 'drain' ? 0 : undefined)
    await server.close()
    for (const [name, told] of outcomes) {
      expect([name, told.length]).toEqual([name, 1])
      const [outcome] = told
      if (outcome?.ok) expect([name, heard.get(name)]).toEqual([name, outcome.end.said])
      if (ending === 'drain') expect(outcome).not.toMatchObject({ code: 'replica_lost' })
    }
    expect([client.inFlight, client.inFlightRows, server.inFlight, server.connections]).toEqual([0, 0, 0, 0])
    rmSync(folder, { recursive: true, force: true })
  },
)
