import { fc, test as property } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { CostRow, GenerateAnswer, SnapshotModel, TokenUsage } from '../../contracts/index.ts'
import { chatSurface } from '../../dialects/index.ts'
import { SlipwayError, systemClock } from '../../kernel/index.ts'
import { ReplicaPool } from '../../routing/index.ts'
import type { GatewayTable } from '../gateway-table.ts'
import { defaultGatewayLimits } from '../limits.ts'
import { TextMetrics } from '../metrics/text-metrics.ts'
import { VersionMetrics } from '../metrics/version-metrics.ts'
import { HELLO_ANSWER, ScriptedUpstream, scriptedModel, USED } from '../testing/scripted-upstream.ts'
import type { AskParts } from './asker.ts'
import { endpointsOf } from './endpoints.ts'
import { TextLoads } from './loads.ts'
import type {
  CacheFinding,
  CacheFlight,
  Climb,
  Guarded,
  GuardRun,
  LimitRefusal,
  Reservation,
  RungStep,
} from './parts.ts'
import { type QuestionOut, TextQuestion } from './question.ts'
import { Subject } from './subject.ts'
import { type TextVersion, textVersion } from './text-version.ts'

/** Everything that can happen to a question, in the order that a run of the property says. */
type Step =
  | 'accept'
  | 'text'
  | 'answer'
  | 'end'
  | 'fail'
  | 'fail after content'
  | 'cancel'
  | 'give up'
  | 'neighbour'
interface Setup {
  readonly isStream: boolean
  readonly reserve: 'now' | 'later' | 'refused' | 'refused later' | 'breaks'
  readonly guard: 'none' | 'now' | 'later' | 'blocks' | 'breaks' | 'blocks the answer'
  readonly cache: 'none' | 'off' | 'miss' | 'miss later' | 'hit' | 'refresh' | 'shared' | 'shared, lost'
  readonly rungs: number
}

const steps = fc.array(
  fc.constantFrom<Step>(
    'accept',
    'text',
    'answer',
    'end',
    'fail',
    'fail after content',
    'cancel',
    'give up',
    'neighbour',
  ),
  { maxLength: 14 },
)
const setups = fc.record<Setup>({
  isStream: fc.boolean(),
  reserve: fc.constantFrom('now', 'now', 'now', 'later', 'refused', 'refused later', 'breaks'),
  guard: fc.constantFrom('none', 'none', 'none', 'now', 'later', 'blocks', 'breaks', 'blocks the answer'),
  cache: fc.constantFrom(
    'none',
    'none',
    'off',
    'miss',
    'miss later',
    'hit',
    'refresh',
    'shared',
    'shared, lost',
  ),
  rungs: fc.integer({ min: 1, max: 3 }),
})

describe('whatever happens in whatever order', () => {
  property.prop([setups, steps], { numRuns: 2000 })(
    'usage is settled once, the client hears one end, and nothing is left open',
    async (setup, order) => {
      const run = new Run(setup)
      run.question.begin()
      for (const step of order) {
        run.take(step)
        await turn()
      }
      await run.windUp()
      run.check()
    },
  )
})

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

class Run implements QuestionOut {
  readonly question: TextQuestion
  readonly upstream = new ScriptedUpstream('acme')
  readonly #waiting: (() => void)[] = []
  readonly #settled: [TokenUsage, CostRow][] = []
  readonly #flights: { kept: number; dropped: number }[] = []
  readonly #steps = new Map<RungStep, number>()
  readonly #setup: Setup
  #reservations = 0
  #terminals = 0
  #overs = 0
  #shown = 0
  #afterEnd = 0
  #isCancelled = false
  #abandons = 0
  #guards = 0

  constructor(setup: Setup) {
    this.#setup = setup
    this.upstream.behave = () => undefined
    const model = scriptedModel('chat', { v1: { provider: 'acme' } })
    const text = this.#version(model)
    const endpoint = endpointsOf({ 'openai-chat': chatSurface }).chatCompletions
    if (endpoint === undefined) throw new Error('no endpoint')
    const parsed = { model: 'chat', stream: setup.isStream, messages: [{ role: 'user', content: 'Hi' }] }
    const subject = new Subject({
      requestId: 'r-1',
      atMs: 0,
      startedMs: 0,
      key: {
        publicId: 'k',
        mac: '',
        tenant: 't',
        scopes: [],
        expiresAt: null,
        limits: { requestsPerSecond: null, concurrency: null },
      },
      priority: 'interactive',
      endpoint,
      text,
      isPinned: false,
      glance: endpoint.glance(parsed),
      body: Buffer.from(JSON.stringify(parsed)),
      parsed,
      isRelayable: false,
      drops: [],
      timeoutMs: 60_000,
      isTimeoutAsked: false,
    })
    this.question = new TextQuestion(this.#parts(model, text), subject, this)
  }

  get mayFallBack(): boolean {
    return this.#shown === 0 && this.#terminals === 0
  }
  event(): void {
    this.#shown++
    if (this.#terminals > 0) this.#afterEnd++
  }
  relayed(): void {
    this.event()
  }
  ended(): void {
    this.#terminals++
  }
  answer(): void {
    this.#terminals++
  }
  failed(): void {
    this.#terminals++
  }
  over(): void {
    this.#overs++
  }

  take(step: Step): void {
    if (step === 'cancel') {
      this.#isCancelled = true
      this.question.cancel()
    } else if (step === 'give up') {
      // As the gateway does: only of what was told to stop.
      if (this.#isCancelled) this.question.giveUp()
    } else if (step === 'neighbour') this.#waiting.shift()?.()
    else this.#upstreamDoes(step)
  }

  /** Everything that waits comes; what is asked ends. */
  async windUp(): Promise<void> {
    for (let count = 0; count < 40 && this.#overs === 0; count++) {
      this.#waiting.shift()?.()
      await turn()
      if (this.#waiting.length === 0) this.#upstreamDoes('end')
      await turn()
    }
    while (this.#waiting.length > 0) this.#waiting.shift()?.()
    await turn()
  }

  check(): void {
    expect({ overs: this.#overs, isOver: this.question.isOver }).toEqual({ overs: 1, isOver: true })
    expect(this.#settled).toHaveLength(this.#reservations)
    if (this.#isCancelled) expect(this.#terminals).toBeLessThanOrEqual(1)
    else expect(this.#terminals).toBe(1)
    expect(this.#afterEnd).toBe(0)
    for (const { dropped, kept } of this.#flights) expect(dropped + kept).toBe(1)
    expect([...this.#steps.values()].filter((count) => count !== 1)).toEqual([])
    expect(this.#abandons).toBe(this.#guards)
    for (const [usage, cost] of this.#settled) {
      const asked = this.question.asking?.attempts.length ?? 0
      if (asked === 0) expect([usage.input, cost.costUsd]).toEqual([0, '0'])
      else expect(usage).toEqual(this.question.usage)
    }
  }

  #upstreamDoes(step: Step): void {
    const call = this.upstream.calls.at(-1)
    if (call === undefined || call.isSettled) return
    if (step === 'accept') call.accept()
    else if (step === 'text' && this.#setup.isStream) call.text('Hello')
    else if (step === 'answer' && !this.#setup.isStream) call.sink.answer(HELLO_ANSWER)
    else if (step === 'end') {
      if (!this.#setup.isStream) call.sink.answer(HELLO_ANSWER)
      else call.event({ type: 'finished', choice: 0, reason: 'stop' })
      call.end()
    } else if (step === 'fail') call.fail('upstream_failed')
    else if (step === 'fail after content')
      call.fail('upstream_truncated', { hadContent: true }, { usage: USED })
  }

  #later<T>(value: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(value())
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  #parts(model: SnapshotModel, text: TextVersion): AskParts {
    const metrics = new VersionMetrics('chat', 'v1')
    const version = { label: 'v1', pool: new ReplicaPool<never>(Math.random), metrics, jsonHead: '', text }
    const table = { models: new Map([['chat', { snapshot: model, versions: new Map([['v1', version]]) }]]) }
    return {
      clock: systemClock,
      bounds: defaultGatewayLimits,
      table: () => table as unknown as GatewayTable,
      ladders: { climb: () => this.#climb() },
      limits: { reserve: () => this.#reserve() },
      guards: { of: () => undefined },
      cache: { isOn: () => true, lookup: () => this.#lookup(), older: () => undefined },
      pricer: {
        cost: ({ usage }) => ({ state: 'exact', costUsd: String(usage.output ?? 0), price: 'p' }),
        bound: () => undefined,
        sum: (rows) => ({ state: 'exact', costUsd: String(rows.length), price: 'p' }),
      },
      openProvider: () => this.upstream,
      loads: new TextLoads(systemClock),
    }
  }

  #version(model: SnapshotModel): TextVersion {
    const { cache, guard } = this.#setup
    const made = textVersion(model, model.versions[0] as SnapshotModel['versions'][number], {
      remote: this.upstream,
      timeouts: undefined,
      guard: guard === 'none' ? undefined : { begin: () => this.#guardRun() },
      isCached: cache !== 'none',
      metrics: new TextMetrics('chat', 'v1'),
    })
    if (made === undefined) throw new Error('no text')
    return made
  }

  #reserve(): Reservation | LimitRefusal | Promise<Reservation | LimitRefusal> {
    const refusal: LimitRefusal = { isRefusal: true, code: 'limit_reached', what: 'tokens', retryAfterMs: 1 }
    const reserved = (): Reservation => {
      this.#reservations++
      return { settle: (usage, cost) => void this.#settled.push([usage, cost]) }
    }
    const { reserve } = this.#setup
    if (reserve === 'breaks') throw new Error('the store is gone')
    if (reserve === 'refused') return refusal
    if (reserve === 'refused later') return this.#later(() => refusal)
    return reserve === 'later' ? this.#later(reserved) : reserved()
  }

  #guardRun(): GuardRun {
    this.#guards++
    const { guard } = this.#setup
    let isAbandoned = false
    return {
      verdicts: [],
      input: (request) => {
        if (guard === 'breaks') throw new Error('a rule broke')
        const pass = { verdict: 'pass', value: request } as const
        const block = { verdict: 'block', rule: 'r', reason: 'no' } as const
        if (guard === 'later') return this.#later(() => pass)
        return guard === 'blocks' ? block : pass
      },
      output: (answer): Guarded<GenerateAnswer> | Promise<Guarded<GenerateAnswer>> => {
        if (guard === 'blocks the answer') return { verdict: 'block', rule: 'r', reason: 'no' }
        const pass = { verdict: 'pass', value: answer } as const
        return guard === 'later' ? this.#later(() => pass) : pass
      },
      stream: (out) => ({
        push: (event) => {
          const given = () => out.event(event)
          if (guard === 'blocks the answer' && event.type === 'text')
            out.event({ type: 'failed', code: 'guardrail_blocked', detail: 'no', status: 400 })
          else if (guard === 'later') void this.#later(given)
          else given()
        },
      }),
      abandon: () => {
        if (!isAbandoned) this.#abandons++
        isAbandoned = true
      },
    }
  }

  #lookup(): CacheFinding | Promise<CacheFinding> {
    const hit = { kind: 'hit', answer: HELLO_ANSWER, savedUsd: '1', ageMs: 1 } as const
    switch (this.#setup.cache) {
      case 'miss':
        return { kind: 'miss', flight: this.#flight() }
      case 'miss later':
        return this.#later(() => ({ kind: 'miss', flight: this.#flight() }))
      case 'hit':
        return hit
      case 'refresh':
        return { ...hit, kind: 'stale', refresh: this.#flight() }
      case 'shared':
        return { kind: 'shared', answer: this.#later(() => hit) }
      case 'shared, lost':
        return { kind: 'shared', answer: this.#later(() => undefined) }
      default:
        return { kind: 'off' }
    }
  }

  #flight(): CacheFlight {
    const flight = { kept: 0, dropped: 0 }
    this.#flights.push(flight)
    return {
      store: (answer) => {
        if (!('choices' in answer)) throw new SlipwayError('internal')
        flight.kept++
      },
      abandon: () => {
        flight.dropped++
      },
    }
  }

  #climb(): Climb {
    let given = 0
    const step = (): RungStep | undefined => {
      if (given >= this.#setup.rungs) return undefined
      given++
      const quality = 1 / given
      if (given === 3)
        return this.#given({ kind: 'static', name: 'sorry', isPrimary: false, quality, text: 'Sorry.' })
      const name = given === 1 ? 'primary' : 'again'
      return this.#given({
        kind: 'version',
        name,
        isPrimary: given === 1,
        quality,
        model: 'chat',
        version: 'v1',
      })
    }
    return {
      next: step,
      shed: step,
      ended: (ended) => void this.#steps.set(ended, (this.#steps.get(ended) ?? 0) + 1),
    }
  }

  #given(step: RungStep): RungStep {
    this.#steps.set(step, 0)
    return step
  }
}
