import type { Clock } from '../../kernel/index.ts'
import { askForeign } from './foreign-client.ts'
import type { ForeignKind } from './foreign-kind.ts'
import { readScrape, type Scrape } from './scrape.ts'

/** What is asked of a foreign server about itself, at the paths where its kind has them. */
export class ForeignAsker {
  readonly url: string
  readonly #kind: ForeignKind
  readonly #key: string
  readonly #timeoutMs: number

  constructor(kind: ForeignKind, url: string, key: string, timeoutMs: number) {
    this.#kind = kind
    this.url = url
    this.#key = key
    this.#timeoutMs = timeoutMs
  }

  async isWell(): Promise<boolean> {
    return (await askForeign(this.url + this.#kind.healthPath, this.#timeoutMs)).status === 200
  }

  /** Its health says that the engine is loaded; its list of models, that it is ours that answers and takes our key. */
  async isReady(): Promise<boolean> {
    if (!(await this.isWell())) return false
    const key = this.#kind.takesKey ? this.#key : undefined
    return (await askForeign(`${this.url}/v1/models`, this.#timeoutMs, key)).status === 200
  }

  /** Undefined where it tells nothing just now. */
  async scrape(): Promise<Scrape | undefined> {
    const { body, status } = await askForeign(this.url + this.#kind.metricsPath, this.#timeoutMs)
    return status === 200 ? readScrape(this.#kind, body) : undefined
  }
}

/** Requests that are still at work when the time is over; 0 as soon as two looks in a row find none. */
export async function untilIdle(
  scrape: () => Promise<Scrape | undefined>,
  clock: Clock,
  pollMs: number,
  untilMs: number,
): Promise<number> {
  let idleLooks = 0
  for (;;) {
    const gauges = (await scrape())?.gauges
    // A server that does not tell its work is asked to end, and finishes what it has by its own rules.
    if (gauges?.running === undefined) return 0
    const work = gauges.running + (gauges.waiting ?? 0)
    idleLooks = work === 0 ? idleLooks + 1 : 0
    if (idleLooks === 2) return 0
    if (clock.monotonicMs() >= untilMs) return work
    await clock.sleep(pollMs)
  }
}
