import type { Clock } from '../../kernel/index.ts'
import type { RedisLink } from '../redis/redis-link.ts'
import type { Answers, FoundAnswer, StoredAnswer } from './answers.ts'

export interface RedisAnswersOptions {
  readonly link: RedisLink
  /** Before every key; one installation of several in one Redis. */
  readonly prefix: string
  readonly clock: Clock
  /** The longest that a request is held to look. */
  readonly lookTimeoutMs?: number
  readonly maxAnswerBytes?: number
}

const LOOK_TIMEOUT_MS = 50
const STORE_TIMEOUT_MS = 1000
const MAX_ANSWER_BYTES = 256 * 1024
/** After a look that failed nobody looks for so long: one request is held, not all of them. */
const REST_MS = 1000
/** Answers on their way to Redis; beyond it they are not kept. */
const MAX_STORING = 256
/** Of how an answer is written; another form is never read as this one. */
const FORM = 'a1'

/** The age is by Redis' own clock, from what is left of the life that the key was given: gateways' clocks do not matter. */
const LOOK_SCRIPT = `
local value = redis.call('GET', KEYS[1])
if not value then return false end
return { value, redis.call('PTTL', KEYS[1]) }
`

/** In Redis, shared by gateways; Redis bounds them by its `maxmemory`. While it is slow or away nothing is found. */
export class RedisAnswers implements Answers {
  readonly #options: RedisAnswersOptions
  #restUntilMs = Number.NEGATIVE_INFINITY
  #storing = 0

  constructor(options: RedisAnswersOptions) {
    this.#options = options
  }

  get(key: string): undefined | Promise<FoundAnswer | undefined> {
    const { clock, link } = this.#options
    if (!link.isUp || clock.monotonicMs() < this.#restUntilMs) return undefined
    return this.#look(key)
  }

  set(key: string, stored: StoredAnswer, keepMs: number): void {
    const { link, maxAnswerBytes = MAX_ANSWER_BYTES } = this.#options
    const value = JSON.stringify({ ...stored, keepMs })
    if (Buffer.byteLength(value) > maxAnswerBytes || this.#storing >= MAX_STORING) return
    this.#storing++
    link
      .command(STORE_TIMEOUT_MS, ['SET', this.#keyOf(key), value, 'PX', String(Math.ceil(keepMs))])
      // The link tells that Redis is away; what is not kept is asked again.
      .catch(() => undefined)
      .finally(() => this.#storing--)
  }

  get size(): { answers: number; bytes: number } {
    return { answers: 0, bytes: 0 }
  }

  async #look(key: string): Promise<FoundAnswer | undefined> {
    const { clock, link, lookTimeoutMs = LOOK_TIMEOUT_MS } = this.#options
    try {
      const found = await link.script<[string, number] | null>(
        lookTimeoutMs,
        LOOK_SCRIPT,
        [this.#keyOf(key)],
        [],
      )
      if (found === null) return undefined
      const { answer, costUsd, keepMs } = JSON.parse(found[0]) as StoredAnswer & { keepMs: number }
      return { answer, costUsd, ageMs: Math.max(0, keepMs - found[1]) }
    } catch {
      this.#restUntilMs = clock.monotonicMs() + REST_MS
      return undefined
    }
  }

  #keyOf(key: string): string {
    return `${this.#options.prefix}:answer:${FORM}:${key}`
  }
}
