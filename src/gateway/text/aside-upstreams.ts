import type { Provider, Snapshot, TextAttempt } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { TextCall, TextUpstream } from '../../providers/index.ts'
import type { Asides, Pricer } from './parts.ts'
import { attemptsOf } from './use.ts'

const ASIDE_TIMEOUT_MS = 10_000
const TIMEOUTS = Object.freeze({
  connectMs: ASIDE_TIMEOUT_MS,
  firstContentMs: ASIDE_TIMEOUT_MS,
  idleMs: ASIDE_TIMEOUT_MS,
  totalMs: ASIDE_TIMEOUT_MS,
})

interface Aside {
  readonly kind: NonNullable<TextAttempt['aside']>
  readonly provider: string
  readonly modelName: string
  readonly work: TextCall['work']
  readonly signal: AbortSignal
  readonly asides: Asides | undefined
}

/**
 * The opened providers by name, for what a gateway asks of them on its own account: moderation and vectors. Each call is
 * an attempt of the request that it is made for, with its price.
 */
export class AsideUpstreams {
  readonly #open: (provider: Provider) => TextUpstream
  readonly #pricer: Pricer
  readonly #clock: Clock
  readonly #upstreams = new Map<string, TextUpstream>()
  #snapshot: Snapshot | undefined

  constructor(open: (provider: Provider) => TextUpstream, pricer: Pricer, clock: Clock) {
    this.#open = open
    this.#pricer = pricer
    this.#clock = clock
  }

  open(provider: Provider): TextUpstream {
    const upstream = this.#open(provider)
    this.#upstreams.set(provider.name, upstream)
    return upstream
  }

  follow(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    const named = new Set((snapshot.providers ?? []).map(({ name }) => name))
    for (const name of this.#upstreams.keys()) if (!named.has(name)) this.#upstreams.delete(name)
  }

  /** Rejects where no scores come. */
  async moderate(
    provider: string,
    modelName: string | undefined,
    text: string,
    signal: AbortSignal,
    asides: Asides | undefined,
  ): Promise<Readonly<Record<string, number>>> {
    const body = { input: text, ...(modelName === undefined ? {} : { model: modelName }) }
    const work = { kind: 'moderate', body } as const
    const answer = (await this.#ask({
      kind: 'moderation',
      provider,
      modelName: modelName ?? '',
      work,
      signal,
      asides,
    })) as { results?: { category_scores?: Record<string, number> }[] }
    const scores = answer.results?.[0]?.category_scores
    if (scores === undefined) throw new TypeError('the moderation gave no scores')
    return scores
  }

  /** By the version that has most of the model's traffic. Rejects where no vector comes. */
  async embed(model: string, text: string, asides: Asides | undefined): Promise<readonly number[]> {
    const served = this.#snapshot?.models.find((each) => each.model === model)
    const share = (label: string) =>
      (served?.slices ?? [])
        .filter(({ version }) => version === label)
        .reduce((sum, { from, to }) => sum + to - from, 0)
    const best = served?.versions.toSorted((left, right) => share(right.label) - share(left.label))[0]?.text
    if (best?.provider === undefined)
      throw new TypeError(`${model} is no model of a provider that gives vectors`)
    const answer = (await this.#ask({
      kind: 'embedding',
      provider: best.provider,
      modelName: best.modelName ?? '',
      work: { kind: 'embed', request: { inputs: [text] } },
      signal: AbortSignal.timeout(ASIDE_TIMEOUT_MS),
      asides,
    })) as { vectors?: (readonly number[] | string)[] }
    const vector = answer.vectors?.[0]
    if (!Array.isArray(vector)) throw new TypeError(`${model} gave no vector`)
    return vector as readonly number[]
  }

  #ask({ asides, kind, modelName, provider, signal, work }: Aside): Promise<unknown> {
    const upstream = this.#upstreams.get(provider)
    if (upstream === undefined) return Promise.reject(new TypeError(`no provider ${provider} is open`))
    const atMs = this.#clock.nowMs()
    const startedMs = this.#clock.monotonicMs()
    return new Promise((resolve, reject) => {
      let answer: unknown
      let account: string | null = null
      const exchange = upstream.start(
        { work, modelName, stream: false, hideUsage: false, priority: 1, timeouts: TIMEOUTS },
        {
          accepted(by) {
            account = by.account
          },
          event() {},
          relayed() {},
          answer(whole) {
            answer = whole
          },
          settled: (outcome) => {
            const by = {
              rung: 'aside',
              version: null,
              text: { provider, priced: { provider, modelName } },
              account: outcome.account ?? account,
              tookMs: this.#clock.monotonicMs() - startedMs,
              atMs,
            }
            told?.(attemptsOf(outcome, by, this.#pricer).map((attempt) => ({ ...attempt, aside: kind })))
            if (outcome.failure === undefined) resolve(answer)
            else reject(new TypeError(outcome.failure.detail))
          },
        },
      )
      // Nothing of the sink is called before it is started; what cannot be started is no attempt.
      const told = asides?.begin()
      signal.addEventListener('abort', () => exchange.cancel(), { once: true })
      if (signal.aborted) exchange.cancel()
    })
  }
}
