import type { GatewayTextState } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'

export type HeardTextState = GatewayTextState & { readonly at: number }

/** What gateways said last of their text traffic; in memory, since it is of no use once it is old. */
export interface TextStates {
  take(state: GatewayTextState): void
  /** Of one model: its own ladder and loads, and the providers that are named. */
  of(model: string, providers: ReadonlySet<string>): HeardTextState[]
}

/** Gateways tell every two seconds; one that was silent for so long is gone, or cut off and no longer known. */
const KEPT_MS = 15_000
const MAX_GATEWAYS = 256

export function createTextStates(clock: Clock): TextStates {
  const states = new Map<string, HeardTextState>()
  const forget = () => {
    const keptFromMs = clock.nowMs() - KEPT_MS
    for (const [gateway, { at }] of states) if (at < keptFromMs) states.delete(gateway)
  }
  return {
    take: (state) => {
      forget()
      if (!states.has(state.gateway) && states.size >= MAX_GATEWAYS) return
      states.set(state.gateway, { ...state, at: clock.nowMs() })
    },
    of: (model, providers) => {
      forget()
      return [...states.values()].map((state) => ({
        ...state,
        providers: state.providers.filter(({ provider }) => providers.has(provider)),
        ladders: state.ladders.filter((ladder) => ladder.model === model),
        loads: state.loads.filter((load) => load.model === model),
      }))
    },
  }
}
