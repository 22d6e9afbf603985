import type { Provider, Snapshot } from '../../contracts/index.ts'
import { anthropicSurface, chatSurface, completionsSurface, responsesSurface } from '../../dialects/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import { type JsonPoster, jsonPoster, type TextCall, type TextUpstream } from '../../providers/index.ts'
import { PolicyCache } from '../cache/policy-cache.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import { policyLadders } from './ladders.ts'
import { bookedLimits } from './limits.ts'
import type { FollowsSnapshots } from './parts.ts'
import { bookPricer } from './pricer.ts'
import type { TextOptions } from './text-front.ts'

export interface StandardTextOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly cacheBytes: number
  readonly openProvider: (provider: Provider) => TextUpstream
  /** Classes that a ladder names are moved down while this holds. */
  readonly isOverloaded: () => boolean
}

/** Everything that a gateway does for text beyond asking: ladders, limits, guardrails, caches and prices. */
export function standardText(options: StandardTextOptions): TextOptions & { close(): Promise<void> } {
  const { clock, log, random } = options
  const upstreams = new NamedUpstreams(options.openProvider)
  const poster: JsonPoster = jsonPoster()
  return {
    surfaces: {
      'openai-chat': chatSurface,
      'openai-completions': completionsSurface,
      'openai-responses': responsesSurface,
      anthropic: anthropicSurface,
    },
    openProvider: (provider) => upstreams.open(provider),
    ladders: policyLadders(options.isOverloaded),
    limits: bookedLimits(clock),
    pricer: bookPricer(),
    guards: following(
      versionGuards(
        {
          post: poster.post,
          moderate: (provider, modelName, text, signal) =>
            upstreams.moderate(provider, modelName, text, signal),
        },
        clock,
        log,
      ),
      (snapshot) => upstreams.follow(snapshot),
    ),
    cache: new PolicyCache({
      maxBytes: options.cacheBytes,
      embed: (model, text) => upstreams.embed(model, text),
      clock,
      random,
      log,
    }),
    close: () => poster.close(),
  }
}

function following<T extends FollowsSnapshots>(part: T, also: (snapshot: Snapshot) => void): T {
  const follow = part.follow?.bind(part)
  return Object.assign(part, {
    follow(snapshot: Snapshot) {
      also(snapshot)
      follow?.(snapshot)
    },
  })
}

const ASIDE_TIMEOUT_MS = 10_000

/** The opened providers by name, for what a gateway asks of them on its own account: moderation and vectors. */
class NamedUpstreams {
  readonly #open: (provider: Provider) => TextUpstream
  readonly #upstreams = new Map<string, TextUpstream>()
  #snapshot: Snapshot | undefined

  constructor(open: (provider: Provider) => TextUpstream) {
    this.#open = open
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

  async moderate(
    provider: string,
    modelName: string | undefined,
    text: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, number>>> {
    const body = { input: text, ...(modelName === undefined ? {} : { model: modelName }) }
    const answer = (await this.#ask(provider, { kind: 'moderate', body }, modelName ?? '', signal)) as {
      results?: { category_scores?: Record<string, number> }[]
    }
    const scores = answer.results?.[0]?.category_scores
    if (scores === undefined) throw new TypeError('the moderation gave no scores')
    return scores
  }

  /** By the version that has most of the model's traffic. */
  async embed(model: string, text: string): Promise<readonly number[]> {
    const served = this.#snapshot?.models.find((each) => each.model === model)
    const share = (label: string) =>
      (served?.slices ?? [])
        .filter(({ version }) => version === label)
        .reduce((sum, { from, to }) => sum + to - from, 0)
    const best = served?.versions.toSorted((left, right) => share(right.label) - share(left.label))[0]?.text
    if (best?.provider === undefined)
      throw new TypeError(`${model} is no model of a provider that gives vectors`)
    const answer = (await this.#ask(
      best.provider,
      { kind: 'embed', request: { inputs: [text] } },
      best.modelName ?? '',
      AbortSignal.timeout(ASIDE_TIMEOUT_MS),
    )) as { vectors?: (readonly number[] | string)[] }
    const vector = answer.vectors?.[0]
    if (!Array.isArray(vector)) throw new TypeError(`${model} gave no vector`)
    return vector as readonly number[]
  }

  #ask(provider: string, work: TextCall['work'], modelName: string, signal: AbortSignal): Promise<unknown> {
    const upstream = this.#upstreams.get(provider)
    if (upstream === undefined) return Promise.reject(new TypeError(`no provider ${provider} is open`))
    return new Promise((resolve, reject) => {
      let answer: unknown
      const exchange = upstream.start(
        {
          work,
          modelName,
          stream: false,
          hideUsage: false,
          priority: 1,
          timeouts: {
            connectMs: ASIDE_TIMEOUT_MS,
            firstContentMs: ASIDE_TIMEOUT_MS,
            idleMs: ASIDE_TIMEOUT_MS,
            totalMs: ASIDE_TIMEOUT_MS,
          },
        },
        {
          accepted() {},
          event() {},
          relayed() {},
          answer(whole) {
            answer = whole
          },
          settled({ failure }) {
            if (failure === undefined) resolve(answer)
            else reject(new TypeError(failure.detail))
          },
        },
      )
      signal.addEventListener('abort', () => exchange.cancel(), { once: true })
    })
  }
}
