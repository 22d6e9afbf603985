import type {
  CachePolicy,
  CostRow,
  GenerateAnswer,
  SnapshotModel,
  TokenUsage,
} from '../../contracts/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import type {
  AnswerCache,
  CachedAnswer,
  CacheFinding,
  CacheFlight,
  CacheHit,
  TextSubject,
} from '../text/parts.ts'
import { AnswerStore, type StoredAnswer } from './answer-store.ts'
import { exactKey, semanticKey } from './cache-key.ts'
import { FalseHits } from './false-hits.ts'
import { cosine, SemanticIndex } from './semantic-index.ts'

/** A text as a vector, by a model that is served here, for a tenant. */
export type Embed = (model: string, text: string, subject: TextSubject) => Promise<readonly number[]>

export interface CacheParts {
  readonly maxBytes: number
  readonly embed: Embed
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** What was saved, for `/metrics`. */
export interface CacheView {
  readonly hits: Readonly<Record<CacheHit['kind'], number>>
  readonly misses: number
  readonly shared: number
  readonly answers: number
  readonly bytes: number
  readonly audits: number
  readonly falseHits: number
}

/**
 * The caches of all models, by their serving policies, in this process' memory. Equal questions that come while the
 * first is being answered wait for that answer (single flight); an answer past its time is still given for a while and
 * fetched anew behind the client's back, once.
 */
export class PolicyCache implements AnswerCache {
  readonly #parts: CacheParts
  readonly #store: AnswerStore
  readonly #flights = new Map<
    string,
    { promise: Promise<CacheHit | undefined>; end: (hit: CacheHit | undefined) => void }
  >()
  readonly #refreshing = new Set<string>()
  readonly #index = new SemanticIndex()
  readonly #falseHits = new Map<string, FalseHits>()
  readonly #hits = { hit: 0, stale: 0, semantic: 0 }
  #misses = 0
  #shared = 0

  constructor(parts: CacheParts) {
    this.#parts = parts
    this.#store = new AnswerStore(parts.maxBytes)
  }

  isOn({ serving }: SnapshotModel): boolean {
    return serving?.cache?.exact !== undefined || serving?.cache?.semantic !== undefined
  }

  lookup(subject: TextSubject, nowMs: number): CacheFinding | Promise<CacheFinding> {
    const policy = subject.model.serving?.cache
    if (policy === undefined) return { kind: 'off' }
    if (subject.glance.isSampled && policy.exact?.cacheSampled !== true) return { kind: 'off' }
    const key = exactKey(subject)
    if (policy.exact !== undefined) {
      const found = this.#exact(key, policy.exact, nowMs)
      if (found !== undefined) return found
    }
    const flight = this.#flights.get(key)
    if (flight !== undefined) {
      this.#shared++
      return { kind: 'shared', answer: flight.promise }
    }
    // Taken before anything is awaited, so that nobody else takes it meanwhile.
    const own = this.#fly(key)
    const semantic = policy.semantic === undefined ? undefined : semanticKey(subject)
    if (policy.semantic === undefined || semantic === undefined || !this.#falseHitsOf(subject).isTrusted)
      return this.#miss(own)
    return this.#semantic(subject, policy.semantic, semantic, key, own, nowMs)
  }

  older(subject: TextSubject, maxAgeMs: number, nowMs: number): CacheHit | undefined {
    const found = this.#store.get(exactKey(subject))
    if (found === undefined || nowMs - found.storedAtMs > maxAgeMs) return undefined
    return this.#hit('stale', found, nowMs)
  }

  view(): CacheView {
    const audited = [...this.#falseHits.values()]
    return {
      hits: this.#hits,
      misses: this.#misses,
      shared: this.#shared,
      ...this.#store.size,
      audits: audited.reduce((sum, { audits }) => sum + audits, 0),
      falseHits: audited.reduce((sum, { falseHits }) => sum + falseHits, 0),
    }
  }

  #exact(key: string, policy: NonNullable<CachePolicy['exact']>, nowMs: number): CacheHit | undefined {
    const found = this.#store.get(key)
    if (found === undefined) return undefined
    const ageMs = nowMs - found.storedAtMs
    if (ageMs <= policy.ttlMs) return this.#hit('hit', found, nowMs)
    if (ageMs > policy.ttlMs + policy.staleMs) return undefined
    const refresh = this.#refreshing.has(key) ? undefined : this.#refresh(key)
    return { ...this.#hit('stale', found, nowMs), refresh }
  }

  async #semantic(
    subject: TextSubject,
    policy: NonNullable<CachePolicy['semantic']>,
    { question, scope }: { question: string; scope: string },
    key: string,
    own: CacheFlight,
    nowMs: number,
  ): Promise<CacheFinding> {
    let vector: readonly number[]
    try {
      vector = await this.#parts.embed(policy.embedWith, question, subject)
    } catch (error) {
      this.#parts.log.warn({ err: error, model: policy.embedWith }, 'question not embedded')
      return this.#miss(own)
    }
    const nearest = this.#index.nearest(scope, vector)
    const found = nearest === undefined ? undefined : this.#store.get(nearest.key)
    const isNear = nearest !== undefined && nearest.similarity >= policy.threshold
    if (nearest === undefined || found === undefined || !isNear || nowMs - found.storedAtMs > policy.ttlMs) {
      if (nearest !== undefined && found === undefined) this.#index.forget(scope, nearest.key)
      return this.#miss({
        store: (answer, usage, cost) => {
          this.#index.add(scope, vector, key)
          own.store(answer, usage, cost)
        },
        abandon: () => own.abandon(),
      })
    }
    const isAudited = this.#parts.random() < policy.auditShare
    const hit = this.#hit('semantic', found, nowMs)
    if (!isAudited) {
      own.abandon()
      return hit
    }
    return { ...hit, refresh: this.#audit(subject, policy, found.answer, own) }
  }

  /** The real answer to a question that was answered from its neighbour: told apart by what the two say. */
  #audit(
    subject: TextSubject,
    policy: NonNullable<CachePolicy['semantic']>,
    given: CachedAnswer,
    own: CacheFlight,
  ): CacheFlight {
    const counts = this.#falseHitsOf(subject)
    const said = textOf(given)
    return {
      store: (answer, usage, cost) => {
        own.store(answer, usage, cost)
        const real = textOf(answer)
        if (real === said) counts.audited(false)
        else
          Promise.all([said, real].map((text) => this.#parts.embed(policy.embedWith, text, subject)))
            .then(([left = [], right = []]) => counts.audited(cosine(left, right) < policy.threshold))
            .catch((error: unknown) => this.#parts.log.warn({ err: error }, 'answer not embedded'))
      },
      abandon: () => own.abandon(),
    }
  }

  #falseHitsOf({ model }: TextSubject): FalseHits {
    const known = this.#falseHits.get(model.model)
    if (known !== undefined) return known
    const counts = new FalseHits(model.serving?.cache?.semantic?.maxFalseHitRate ?? 0)
    this.#falseHits.set(model.model, counts)
    return counts
  }

  #hit(kind: CacheHit['kind'], { answer, costUsd, storedAtMs }: StoredAnswer, nowMs: number): CacheHit {
    this.#hits[kind]++
    return { kind, answer, savedUsd: costUsd, ageMs: Math.max(0, nowMs - storedAtMs) }
  }

  #miss(flight: CacheFlight): CacheFinding {
    this.#misses++
    return { kind: 'miss', flight }
  }

  /** Others who ask the same wait for how this one ends. */
  #fly(key: string): CacheFlight {
    let end: (hit: CacheHit | undefined) => void = () => undefined
    const promise = new Promise<CacheHit | undefined>((resolve) => {
      end = resolve
    })
    const flight = { promise, end }
    this.#flights.set(key, flight)
    const land = (hit: CacheHit | undefined) => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      end(hit)
    }
    return {
      store: (answer, usage, cost) => {
        this.#keep(key, answer, usage, cost)
        land({ kind: 'hit', answer, savedUsd: cost.costUsd, ageMs: 0 })
      },
      abandon: () => land(undefined),
    }
  }

  #refresh(key: string): CacheFlight {
    this.#refreshing.add(key)
    return {
      store: (answer, usage, cost) => {
        this.#refreshing.delete(key)
        this.#keep(key, answer, usage, cost)
      },
      abandon: () => {
        this.#refreshing.delete(key)
      },
    }
  }

  #keep(key: string, answer: CachedAnswer, _: TokenUsage, cost: CostRow): void {
    this.#store.set(key, { answer, storedAtMs: this.#parts.clock.monotonicMs(), costUsd: cost.costUsd })
  }
}

function textOf(answer: CachedAnswer): string {
  if (!('choices' in answer)) return JSON.stringify(answer)
  return (answer as GenerateAnswer).choices
    .flatMap(({ content }) => content.map((part) => ('text' in part ? part.text : JSON.stringify(part))))
    .join('\n')
}
