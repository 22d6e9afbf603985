import { canonicalJson } from '../../kernel/index.ts'
import type { TextFailure } from '../../providers/index.ts'
import { LadderState, type RungFailure } from '../../routing/index.ts'
import type { Climb, Ladders, RungStep, TextSubject } from './parts.ts'

/** What a failure is in the words of a ladder; undefined where nobody else would do better. */
const RUNG_FAILURES: Readonly<Record<TextFailure['class'], RungFailure>> = {
  invalid: undefined,
  cancelled: undefined,
  auth: 'error',
  'not-found': 'error',
  error: 'error',
  quota: 'rate-limited',
  'rate-limited': 'rate-limited',
  overloaded: 'overloaded',
  timeout: 'timeout',
  unready: 'unready',
  'context-length': 'context-length',
  'content-filter': 'content-filter',
}

/**
 * The ladders of all models, by their serving policies. What a ladder has learnt of its rungs is kept over snapshots as
 * long as its policy stays the same.
 */
export function policyLadders(isOverloaded: () => boolean): Ladders {
  const states = new Map<string, { readonly policy: string; readonly state: LadderState }>()
  return {
    follow(snapshot) {
      const named = new Set(snapshot.models.map(({ model }) => model))
      for (const model of states.keys()) if (!named.has(model)) states.delete(model)
      for (const { model, serving } of snapshot.models) {
        if (serving?.ladder === undefined) {
          states.delete(model)
          continue
        }
        const policy = canonicalJson(serving.ladder)
        if (states.get(model)?.policy !== policy)
          states.set(model, { policy, state: new LadderState(serving.ladder) })
      }
    },
    views: (nowMs, wallMs) =>
      [...states].map(([model, { state }]) => ({ model, ...state.view(nowMs, wallMs) })),
    climb: (subject) => new PolicyClimb(subject, states.get(subject.model.model)?.state, isOverloaded()),
  }
}

/** Of one request. Without a ladder it has one rung, the version that the split chose. */
class PolicyClimb implements Climb {
  readonly #subject: TextSubject
  readonly #state: LadderState | undefined
  readonly #isOverloaded: boolean
  #rung = -1

  constructor(subject: TextSubject, state: LadderState | undefined, isOverloaded: boolean) {
    this.#subject = subject
    this.#state = state
    this.#isOverloaded = isOverloaded
  }

  next(failure: TextFailure | undefined, nowMs: number): RungStep | undefined {
    const state = this.#state
    if (state === undefined) return failure === undefined ? this.#primary('primary', 1) : undefined
    const { atMs } = this.#subject
    const rung =
      failure === undefined
        ? state.first(this.#subject, this.#isOverloaded, nowMs, atMs)
        : state.after(this.#rung, RUNG_FAILURES[failure.class], this.#subject, nowMs, atMs)
    if (rung === undefined) return undefined
    this.#rung = rung
    return this.#step(state, rung)
  }

  shed(nowMs: number): RungStep | undefined {
    const rung = this.#state?.shed(this.#rung, this.#subject, nowMs, this.#subject.atMs)
    if (rung === undefined) return undefined
    this.#rung = rung
    return this.#step(this.#state as LadderState, rung)
  }

  ended(_: RungStep, failure: TextFailure | undefined, nowMs: number): void {
    const kind = failure === undefined ? undefined : RUNG_FAILURES[failure.class]
    this.#state?.ended(this.#rung, failure === undefined, kind, nowMs, this.#subject.atMs)
  }

  #step(state: LadderState, rung: number): RungStep | undefined {
    const policy = state.rungs[rung]
    if (policy === undefined) return undefined
    const { name, quality } = policy
    const common = { name, quality, isPrimary: false } as const
    if (policy.kind === 'primary') return this.#primary(name, quality)
    if (policy.kind === 'cached') return { ...common, kind: 'cached', maxAgeMs: policy.maxAgeMs }
    if (policy.kind === 'static') return { ...common, kind: 'static', text: policy.text }
    return {
      ...common,
      kind: 'version',
      model: policy.model ?? this.#subject.model.model,
      version: policy.version,
    }
  }

  #primary(name: string, quality: number): RungStep {
    const { model, version } = this.#subject
    return { kind: 'version', name, quality, isPrimary: true, model: model.model, version: version.label }
  }
}
