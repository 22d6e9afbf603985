import type { Provider, Snapshot } from '../../contracts/index.ts'
import { anthropicSurface, chatSurface, completionsSurface, responsesSurface } from '../../dialects/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import { type JsonPoster, jsonPoster, type TextUpstream } from '../../providers/index.ts'
import { type Answers, MemoryAnswers } from '../cache/answers.ts'
import { PolicyCache } from '../cache/policy-cache.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import type { SharedLimits } from '../leases/shared-limits.ts'
import { AsideUpstreams } from './aside-upstreams.ts'
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
  /** Where cached answers are; left out: in this process, in `cacheBytes`. */
  readonly answers?: Answers | undefined
  /** Left out: this gateway counts limits for itself. */
  readonly shared?: SharedLimits | undefined
  readonly openProvider: (provider: Provider) => TextUpstream
  /** Classes that a ladder names are moved down while this holds. */
  readonly isOverloaded: () => boolean
}

/** Everything that a gateway does for text beyond asking: ladders, limits, guardrails, caches and prices. */
export function standardText(options: StandardTextOptions): TextOptions & { close(): Promise<void> } {
  const { clock, log, random } = options
  const pricer = bookPricer()
  const upstreams = new AsideUpstreams(options.openProvider, pricer, clock)
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
    limits: bookedLimits(clock, options.shared),
    pricer,
    guards: following(
      versionGuards(
        {
          post: poster.post,
          moderate: (...asked) => upstreams.moderate(...asked),
        },
        clock,
        log,
      ),
      (snapshot) => upstreams.follow(snapshot),
    ),
    cache: new PolicyCache({
      answers: options.answers ?? new MemoryAnswers(options.cacheBytes),
      embed: (model, text, { asides }) => upstreams.embed(model, text, asides),
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
