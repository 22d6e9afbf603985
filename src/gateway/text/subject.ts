import type {
  GenerateRequest,
  PriorityClass,
  SnapshotKey,
  SnapshotModel,
  SnapshotVersion,
  TextOperation,
} from '../../contracts/index.ts'
import type { JsonObject, RequestGlance } from '../../dialects/index.ts'
import type { TextUpstream } from '../../providers/index.ts'
import { AsideBook } from './asides.ts'
import type { Endpoint, UpstreamWork } from './endpoint.ts'
import type { TextSubject } from './parts.ts'
import { PRIORITIES, withVersion, workWithout } from './plan.ts'
import { relayBody } from './relay-body.ts'
import type { TextVersion } from './text-version.ts'

/** What is known of a request once its body was read and its version chosen. */
export interface SubjectOf {
  readonly requestId: string
  readonly atMs: number
  /** Monotonic. */
  readonly startedMs: number
  readonly key: SnapshotKey
  readonly priority: PriorityClass
  readonly endpoint: Endpoint
  readonly text: TextVersion
  readonly isPinned: boolean
  readonly glance: RequestGlance
  readonly body: Buffer
  /** Without our own `params`. */
  readonly parsed: JsonObject
  /** The bytes say nothing beyond their dialect, and may go on to a provider that speaks it. */
  readonly isRelayable: boolean
  readonly drops: readonly string[]
  readonly timeoutMs: number
  readonly isTimeoutAsked: boolean
}

/** A request as something that can be asked, of one upstream in the client's bytes, of another in the neutral form. */
export class Subject implements TextSubject {
  readonly of: SubjectOf
  readonly requestId: string
  readonly atMs: number
  readonly key: SnapshotKey
  readonly priority: PriorityClass
  readonly rank: number
  readonly operation: TextOperation
  readonly surface: string
  readonly model: SnapshotModel
  readonly version: SnapshotVersion
  readonly isPinned: boolean
  readonly glance: RequestGlance
  readonly body: Buffer
  /** In the relayed work that was made last. */
  hidesUsage = false
  readonly asides = new AsideBook()
  /** The client's names of fields that were left out. */
  readonly dropped: string[] = []
  readonly #isStream: boolean
  #work: UpstreamWork | undefined
  #isRuled = false

  constructor(of: SubjectOf) {
    this.of = of
    this.requestId = of.requestId
    this.atMs = of.atMs
    this.key = of.key
    this.priority = of.priority
    this.rank = PRIORITIES.indexOf(of.priority)
    this.operation = of.endpoint.operation
    this.surface = of.endpoint.surface
    this.model = of.text.model
    this.version = of.text.snapshot
    this.isPinned = of.isPinned
    this.glance = of.glance
    this.body = of.body
    this.#isStream = of.glance.stream && of.endpoint.dialect !== undefined
  }

  get isStream(): boolean {
    return this.#isStream
  }

  neutral(): GenerateRequest {
    const work = this.#neutralWork()
    if (work.kind !== 'generate') throw new TypeError(`a request to ${work.kind} is no generation`)
    return work.request
  }

  /** Undefined while rules that it has did not let it pass: what they would take out is still in it. */
  get ruled(): GenerateRequest | undefined {
    return this.of.text.guard === undefined || this.#isRuled ? this.neutral() : undefined
  }

  /** What the rules made of it is asked from here on. */
  replace(request: GenerateRequest): void {
    this.#isRuled = true
    this.#work = { kind: 'generate', request }
  }

  /**
   * Throws `invalid_request`.
   * @param mayRelay nobody here needs to read or change what is asked or answered; so never after `replace`.
   */
  workFor(text: TextVersion, upstream: TextUpstream, mayRelay: boolean): UpstreamWork {
    this.hidesUsage = false
    if (mayRelay && !text.isRewritten) {
      const relayed = this.#relay(text, upstream)
      if (relayed !== undefined) return relayed
    }
    const work = this.#neutralWork()
    if (work.kind !== 'generate' || !text.isRewritten) return work
    return { kind: 'generate', request: withVersion(work.request, text) }
  }

  /** Leaves a feature out where the client allowed that; else false. */
  drop(feature: string): boolean {
    const name = this.of.endpoint.fieldOf(feature)
    if (!this.of.drops.includes(name)) return false
    const less = workWithout(this.#neutralWork(), feature)
    if (less === undefined) return false
    this.#work = less
    if (!this.dropped.includes(name)) this.dropped.push(name)
    return true
  }

  #relay(text: TextVersion, upstream: TextUpstream): UpstreamWork | undefined {
    const { body, glance } = this
    const { endpoint, isRelayable, parsed } = this.of
    const { dialect } = endpoint
    if (dialect === undefined || !isRelayable || !upstream.relays.has(dialect.name)) return undefined
    const bytes = relayBody(body, parsed, text.modelNameJson, dialect.name, glance)
    if (bytes === undefined) return undefined
    this.hidesUsage = this.#isStream && !glance.includeUsage
    return { kind: 'relay', dialect: dialect.name, body: bytes }
  }

  #neutralWork(): UpstreamWork {
    this.#work ??= this.of.endpoint.work(this.of.parsed)
    return this.#work
  }
}
