import type { CachePolicy, CostRow, GenerateAnswer, SnapshotModel } from '../../contracts/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import type {
  AnswerCache,
  CachedAnswer,
  CacheFinding,
  CacheFlight,
  CacheHit,
  TextSubject,
} from '../text/parts.ts'
import type { Answers, FoundAnswer } from './answers.ts'
import { exactKey, semanticKey } from './cache-key.ts'
import { FalseHits } from './false-hits.ts'
import { cosine, SemanticIndex } from './semantic-index.ts'

/** A text as a vector, by a model that is served here, for a tenant. */
export type Embed = (model: string, text: string, subject: TextSubject) => Promise<readonly number[]>

export interface CacheParts {
  readonly answers: Answers
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
 * The caches of all models, by their serving policies. Equal questions that come while the
 * first is being answered wait for that answer (single flight); an answer past its time is still given for a while and
 * fetched anew behind the client's back, once.
 */
export class PolicyCache implements AnswerCache {
  readonly #parts: CacheParts
  readonly #flights = new Map<string, { promise: Promise<CacheHit | undefined> }>()
  readonly #refreshing = new Set<string>()
  readonly #index = new SemanticIndex()
  readonly #falseHits = new Map<string, FalseHits>()
  readonly #hits = { hit: 0, stale: 0, semantic: 0 }
  #misses = 0
  #shared = 0

  constructor(parts: CacheParts) {
    this.#parts = parts
  }

  isOn({ serving }: SnapshotModel): boolean {
    return serving?.cache?.exact !== undefined || serving?.cache?.semantic !== undefined
  }

  lookup(subject: TextSubject, nowMs: number): CacheFinding | Promise<CacheFinding> {
    const policy = subject.model.serving?.cache
    if (policy === undefined) return { kind: 'off' }
    if (subject.glance.isSampled && policy.exact?.cacheSampled !== true) return { kind: 'off' }
    const key = exactKey(subject)
    const found = policy.exact === undefined ? undefined : this.#parts.answers.get(key, nowMs)
    if (found instanceof Promise) return this.#late(subject, policy, key, found, nowMs)
    const hit = this.#exact(subject, key, policy, found)
    if (hit !== undefined) return hit
    const shared = this.#shareOf(key)
    if (shared !== undefined) return shared
    // Taken before anything is awaited, so that nobody else takes it meanwhile.
    return this.#unknown(subject, policy, key, this.#fly(subject, key), nowMs)
  }

  older(
    subject: TextSubject,
    maxAgeMs: number,
    nowMs: number,
  ): CacheHit | undefined | Promise<CacheHit | undefined> {
    const found = this.#parts.answers.get(exactKey(subject), nowMs)
    const aged = (answer: FoundAnswer | undefined) =>
      answer === undefined || answer.ageMs > maxAgeMs ? undefined : this.#hit('stale', answer)
    return found instanceof Promise ? found.then(aged) : aged(found)
  }

  view(): CacheView {
    const audited = [...this.#falseHits.values()]
    return {
      hits: this.#hits,
      misses: this.#misses,
      shared: this.#shared,
      ...this.#parts.answers.size,
      audits: audited.reduce((sum, { audits }) => sum + audits, 0),
      falseHits: audited.reduce((sum, { falseHits }) => sum + falseHits, 0),
    }
  }

  /** The store must be waited for. Those who ask the same meanwhile wait for what comes of it. */
  #late(
    subject: TextSubject,
    policy: CachePolicy,
    key: string,
    finding: Promise<FoundAnswer | undefined>,
    nowMs: number,
  ): CacheFinding | Promise<CacheFinding> {
    const shared = this.#shareOf(key)
    if (shared !== undefined) return shared
    const own = this.#fly(subject, key)
    return finding.then((found) => {
      const hit = this.#exact(subject, key, policy, found)
      if (hit === undefined) return this.#unknown(subject, policy, key, own, nowMs)
      const { refresh: _, ...given } = hit
      own.land(given)
      return hit
    })
  }

  #shareOf(key: string): CacheFinding | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined) return undefined
    this.#shared++
    return { kind: 'shared', answer: flight.promise }
  }

  #unknown(
    subject: TextSubject,
    policy: CachePolicy,
    key: string,
    own: CacheFlight,
    nowMs: number,
  ): CacheFinding | Promise<CacheFinding> {
    const semantic = policy.semantic === undefined ? undefined : semanticKey(subject)
    if (policy.semantic === undefined || semantic === undefined || !this.#falseHitsOf(subject).isTrusted)
      return this.#miss(own)
    return this.#semantic(subject, policy.semantic, semantic, key, own, nowMs)
  }

  #exact(
    subject: TextSubject,
    key: string,
    { exact }: CachePolicy,
    found: FoundAnswer | undefined,
  ): CacheHit | undefined {
    if (found === undefined || exact === undefined) return undefined
    if (found.ageMs <= exact.ttlMs) return this.#hit('hit', found)
    if (found.ageMs > exact.ttlMs + exact.staleMs) return undefined
    const refresh = this.#refreshing.has(key) ? undefined : this.#refresh(subject, key)
    return { ...this.#hit('stale', found), refresh }
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
    const found = nearest === undefined ? undefined : await this.#parts.answers.get(nearest.key, nowMs)
    const isNear = nearest !== undefined && nearest.similarity >= policy.threshold
    if (nearest === undefined || found === undefined || !isNear || found.ageMs > policy.ttlMs) {
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
    const hit = this.#hit('semantic', found)
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

  #hit(kind: CacheHit['kind'], { ageMs, answer, costUsd }: FoundAnswer): CacheHit {
    this.#hits[kind]++
    return { kind, answer, savedUsd: costUsd, ageMs }
  }

  #miss(flight: CacheFlight): CacheFinding {
    this.#misses++
    return { kind: 'miss', flight }
  }

  /** Others who ask the same wait for how this one ends. */
  #fly(subject: TextSubject, key: string): CacheFlight & { land(hit: CacheHit | undefined): void } {
    let end: (hit: CacheHit | undefined) => void = () => undefined
    const promise = new Promise<CacheHit | undefined>((resolve) => {
      end = resolve
    })
    const flight = { promise }
    this.#flights.set(key, flight)
    const land = (hit: CacheHit | undefined) => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      end(hit)
    }
    return {
      land,
      store: (answer, _, cost) => {
        this.#keep(subject, key, answer, cost)
        land({ kind: 'hit', answer, savedUsd: cost.costUsd, ageMs: 0 })
      },
      abandon: () => land(undefined),
    }
  }

  #refresh(subject: TextSubject, key: string): CacheFlight {
    this.#refreshing.add(key)
    return {
      store: (answer, _, cost) => {
        this.#refreshing.delete(key)
        this.#keep(subject, key, answer, cost)
      },
      abandon: () => {
        this.#refreshing.delete(key)
      },
    }
  }

  #keep({ model }: TextSubject, key: string, answer: CachedAnswer, cost: CostRow): void {
    const stored = { answer, costUsd: cost.costUsd }
    this.#parts.answers.set(key, stored, keepMsOf(model), this.#parts.clock.monotonicMs())
  }
}

/** The longest that any of the model's policies may still give an answer. */
function keepMsOf({ serving }: SnapshotModel): number {
  const { exact, semantic } = serving?.cache ?? {}
  const rungs = (serving?.ladder?.rungs ?? []).map((rung) => (rung.kind === 'cached' ? rung.maxAgeMs : 0))
  return Math.max(1, (exact?.ttlMs ?? 0) + (exact?.staleMs ?? 0), semantic?.ttlMs ?? 0, ...rungs)
}

function textOf(answer: CachedAnswer): string {
  if (!('choices' in answer)) return JSON.stringify(answer)
  return (answer as GenerateAnswer).choices
    .flatMap(({ content }) => content.map((part) => ('text' in part ? part.text : JSON.stringify(part))))
    .join('\n')
}
