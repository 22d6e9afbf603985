import type { LeaseAnswer, LeaseExchange, LeaseLaw } from '../../contracts/index.ts'
import { type CalendarCount, LeaseBook } from '../leases/lease-book.ts'
import { LeaseSession } from '../leases/lease-session.ts'
import type { Leased } from '../leases/leased-allowance.ts'
import { ASK } from '../text/allowance.ts'

export interface WorldEvent {
  readonly gapMs: number
  readonly gateway: number
  readonly act:
    | { readonly kind: 'request'; readonly estimate: number; readonly used: number; readonly forMs: number }
    /** A message goes out; `late`: its answer comes after the next events, `again`: it arrives twice. */
    | { readonly kind: 'message'; readonly fate: 'good' | 'lost' | 'answer-lost' | 'late' | 'again' }
    | { readonly kind: 'crash' }
    | { readonly kind: 'restart' }
}

export interface Admitted {
  readonly gateway: string
  readonly atMs: number
  readonly estimate: number
  readonly used: number
  readonly endsMs: number
  isSettled: boolean
  /** It died with its gateway. */
  isDead: boolean
  /** `places`: its gateway was out of touch for longer than the lease while it ran. */
  isLapsed: boolean
}

interface Node {
  readonly index: number
  readonly name: string
  readonly session: LeaseSession
  readonly account: Leased
  /** Ends of requests that run here. */
  readonly running: Set<Admitted>
  late: { answer: LeaseAnswer } | undefined
  /** True time of the newest message that was answered, when it was first sent. */
  sentMs: number
  renewedMs: number
}

export interface LeaseWorldOptions {
  readonly law: LeaseLaw
  readonly gateways: number
  /** Of each gateway: its clock's start, and its rate less one. */
  readonly clocks: readonly { readonly offsetMs: number; readonly drift: number }[]
  readonly startMs: number
}

const PLACES_LEASE_MS = 10_000

/** Gateways, who counts for them, and a network that loses, delays and repeats, on one virtual clock. */
export class LeaseWorld {
  nowMs: number
  readonly admitted: Admitted[] = []
  readonly #options: LeaseWorldOptions
  readonly #nodes: Node[]
  /** What of calendars was stored before an answer was given. */
  readonly #stored = new Map<string, CalendarCount>()
  #book = new LeaseBook()
  #names = 0

  constructor(options: LeaseWorldOptions) {
    this.#options = options
    this.nowMs = options.startMs
    this.#nodes = Array.from({ length: options.gateways }, (_, index) => this.#newNode(index))
  }

  step({ act, gapMs, gateway }: WorldEvent): void {
    this.#advance(gapMs)
    const index = gateway % this.#options.gateways
    const node = this.#nodes[index] as Node
    if (act.kind === 'request') this.#request(node, act)
    else if (act.kind === 'message') this.#message(node, act.fate)
    else if (act.kind === 'restart') this.#book = new LeaseBook(this.#stored.values())
    else {
      for (const request of node.running) request.isDead = true
      this.#nodes[index] = this.#newNode(index)
    }
  }

  /** Time passes with a network that works, until nothing runs and everything was told. */
  calm(): void {
    for (let round = 0; round < 40; round++) {
      this.#advance(10_000)
      for (const node of this.#nodes) for (let times = 0; times < 3; times++) this.#message(node, 'good')
    }
  }

  #localMs(index: number): number {
    const { drift = 0, offsetMs = 0 } = this.#options.clocks[index] ?? {}
    return offsetMs + (this.nowMs - this.#options.startMs) * (1 + drift)
  }

  #newNode(index: number): Node {
    const name = `gateway-${index}.${this.#names++}`
    const session = new LeaseSession(name)
    const terms = { id: 'a', law: this.#options.law, unit: 1n, onStoreDown: 'closed' as const }
    const account = session.account(terms)
    return {
      index,
      name,
      session,
      account,
      running: new Set(),
      late: undefined,
      sentMs: 0,
      renewedMs: this.nowMs,
    }
  }

  #advance(ms: number): void {
    const untilMs = this.nowMs + ms
    const running = this.#nodes.flatMap((node) => [...node.running].map((request) => ({ node, request })))
    for (const { node, request } of running.sort(
      (left, right) => left.request.endsMs - right.request.endsMs,
    )) {
      if (request.endsMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, request.endsMs)
      this.#noteLapses(node)
      request.isSettled = true
      node.running.delete(request)
      // The takers' clock, as the limit book hands it on.
      node.account.settle(
        BigInt(request.estimate),
        BigInt(request.used),
        this.#localMs(node.index),
        this.#takenMs(node, request),
      )
    }
    this.nowMs = untilMs
    for (const node of this.#nodes) this.#noteLapses(node)
  }

  #takenMs(node: Node, request: Admitted): number {
    const { drift = 0, offsetMs = 0 } = this.#options.clocks[node.index] ?? {}
    return offsetMs + (request.atMs - this.#options.startMs) * (1 + drift)
  }

  #noteLapses(node: Node): void {
    if (this.nowMs - node.renewedMs < PLACES_LEASE_MS * 0.97) return
    for (const request of node.running) request.isLapsed = true
  }

  #request(node: Node, { estimate, forMs, used }: { estimate: number; used: number; forMs: number }): void {
    const take = () => node.account.take(BigInt(estimate), this.#localMs(node.index))
    const admit = () => {
      const request: Admitted = {
        gateway: node.name,
        atMs: this.nowMs,
        estimate,
        used,
        endsMs: this.nowMs + forMs,
        isSettled: false,
        isDead: false,
        isLapsed: false,
      }
      node.running.add(request)
      this.admitted.push(request)
    }
    const waitMs = take()
    if (waitMs === 0) admit()
    else if (waitMs === ASK)
      node.session.wait([{ allowance: node.account, amount: BigInt(estimate) }], () => {
        if (take() === 0) admit()
      })
  }

  #message(node: Node, fate: Extract<WorldEvent['act'], { kind: 'message' }>['fate']): void {
    const localMs = this.#localMs(node.index)
    if (node.late !== undefined) {
      const { answer } = node.late
      node.late = undefined
      this.#answered(node, answer)
      return
    }
    const before = node.sentMs
    const message = node.session.message(localMs)
    if (message === undefined) return
    if (before === 0) node.sentMs = this.nowMs
    if (fate === 'lost') node.session.failed('lost')
    else {
      const answer = this.#exchange(message)
      if (fate === 'again') this.#exchange(message)
      if (fate === 'answer-lost') node.session.failed('lost')
      else if (fate === 'late') node.late = { answer }
      else this.#answered(node, answer)
    }
  }

  #answered(node: Node, answer: LeaseAnswer): void {
    node.renewedMs = node.sentMs
    node.sentMs = 0
    this.#noteLapses(node)
    node.session.answered(answer, this.#localMs(node.index))
  }

  #exchange(message: LeaseExchange): LeaseAnswer {
    const { answer, counts } = this.#book.exchange(message, { monotonicMs: this.nowMs, nowMs: this.nowMs })
    for (const count of counts) this.#stored.set(count.id, count)
    return answer
  }
}
