import type { CostRow } from '../../contracts/index.ts'
import type {
  AnswerCache,
  Climb,
  Guards,
  Ladders,
  Pricer,
  Reservation,
  RungStep,
  TextLimits,
} from './parts.ts'

const UNKNOWN: CostRow = Object.freeze({
  state: 'unknown',
  costUsd: null,
  price: null,
  reason: 'no prices are configured',
})

const NOTHING_RESERVED: Reservation = Object.freeze({ settle: () => undefined })

/** The version that the split chose, and nobody after it. */
export const primaryOnly: Ladders = {
  climb: (subject) => new OneRung(subject.model.model, subject.version.label),
}

/** Rate and concurrency of the key were checked when the request came; nothing else is limited. */
export const admittedOnly: TextLimits = { reserve: () => NOTHING_RESERVED }

export const noGuards: Guards = { of: () => undefined }

export const noCache: AnswerCache = {
  isOn: () => false,
  lookup: () => ({ kind: 'off' }),
  older: () => undefined,
}

/** Costs are unknown, which is never shown as zero. */
export const noPrices: Pricer = { cost: () => UNKNOWN, bound: () => undefined, sum: () => UNKNOWN }

class OneRung implements Climb {
  readonly #model: string
  readonly #version: string

  constructor(model: string, version: string) {
    this.#model = model
    this.#version = version
  }

  next(failure: unknown): RungStep | undefined {
    if (failure !== undefined) return undefined
    return {
      kind: 'version',
      name: 'primary',
      isPrimary: true,
      quality: 1,
      model: this.#model,
      version: this.#version,
    }
  }

  shed(): undefined {
    return undefined
  }

  ended(): void {}
}
