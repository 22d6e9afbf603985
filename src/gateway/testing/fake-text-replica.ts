import { type GenerateEvent, NO_USAGE, type TokenUsage, textContract } from '../../contracts/index.ts'
import { digestOf, systemClock } from '../../kernel/index.ts'
import {
  type AskedText,
  createLinkServer,
  type LinkStreamExchange,
  readAsk,
  type TextEnd,
} from '../../link/index.ts'

export const REPLICA_USED: TokenUsage = { ...NO_USAGE, input: 7, cacheRead: 0, output: 2 }
const GOOD_END: TextEnd = {
  usage: REPLICA_USED,
  finishReason: 'stop',
  queueUs: 1000,
  prefillUs: 2000,
  decodeUs: 4000,
}

/** One request at a replica of text, as a test answers it. */
export class ReplicaAsk {
  readonly exchange: LinkStreamExchange
  readonly work: AskedText
  readonly stream: boolean

  constructor(exchange: LinkStreamExchange) {
    this.exchange = exchange
    const { ask, work } = readAsk(exchange.header(), exchange.body)
    this.work = work
    this.stream = ask.stream
  }

  text(text: string): this {
    const event: GenerateEvent = { type: 'text', choice: 0, text }
    this.exchange.emit(JSON.stringify(event))
    return this
  }

  fail(failure: NonNullable<TextEnd['failure']>): void {
    this.exchange.end({ ...GOOD_END, finishReason: null, failure })
  }

  /** `Hello world`, in the way it was asked. */
  hello(): void {
    if (this.stream) {
      this.exchange.emit(JSON.stringify({ type: 'started', id: 'gen-1' } satisfies GenerateEvent))
      this.text('Hello').text(' world')
      this.exchange.emit(
        JSON.stringify({ type: 'finished', choice: 0, reason: 'stop' } satisfies GenerateEvent),
      )
      this.exchange.emit(JSON.stringify({ type: 'usage', usage: REPLICA_USED } satisfies GenerateEvent))
      this.exchange.end({ ...GOOD_END })
      return
    }
    const content = [{ type: 'text', text: 'Hello world' }]
    const choices = [{ index: 0, content, finishReason: 'stop' }]
    const answer = { id: 'gen-1', createdAt: 1, choices, usage: REPLICA_USED }
    this.exchange.end({ ...GOOD_END }, Buffer.from(JSON.stringify(answer)))
  }
}

/** A replica of text by hand: it keeps what it is asked and does with it what `behave` says. */
export async function fakeTextReplica(address: string, id: string) {
  const asks: ReplicaAsk[] = []
  const replica = {
    id,
    address,
    asks,
    behave: (ask: ReplicaAsk) => ask.hello(),
    kill: () => server.close(),
    drain: (timeoutMs: number) => server.drain(timeoutMs),
  }
  const server = createLinkServer({
    clock: systemClock,
    hello: {
      protocol: 1,
      model: 'chat',
      version: 'v1',
      replica: id,
      contract: digestOf(textContract),
      credit: { rows: 1000, bytes: 1 << 24 },
      streams: true,
    },
    onRequest: (exchange) => exchange.fail('internal', {}),
    onAsk: (exchange) => {
      const ask = new ReplicaAsk(exchange)
      asks.push(ask)
      replica.behave(ask)
    },
  })
  await server.listen(address)
  return replica
}

export type FakeTextReplica = Awaited<ReturnType<typeof fakeTextReplica>>
