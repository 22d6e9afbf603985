import type { GatewayTextState } from '../../contracts/index.ts'
import type { ProviderView } from '../../providers/index.ts'
import type { VersionLoad } from './loads.ts'
import { PRIORITIES } from './plan.ts'

const MOST = { providers: 200, accounts: 100, ladders: 500, loads: 1000, reason: 1000 } as const

/** What a gateway tells control of its text, cut to the contract's bounds; undefined where there is nothing to tell. */
export function textState(
  providers: readonly ProviderView[],
  ladders: GatewayTextState['ladders'],
  loads: readonly VersionLoad[],
): Omit<GatewayTextState, 'gateway'> | undefined {
  if (providers.length + ladders.length + loads.length === 0) return undefined
  return {
    providers: providers.slice(0, MOST.providers).map(providerState),
    ladders: ladders.slice(0, MOST.ladders).map(({ model, month, rungs }) => ({
      model,
      month: { answers: month.answers, degraded: month.degraded },
      rungs: rungs.slice(0, 8),
    })),
    loads: loads.slice(0, MOST.loads).map(loadState),
  }
}

function providerState({ accounts, isReady, kind, provider }: ProviderView) {
  return {
    provider,
    kind,
    isReady,
    accounts: accounts.slice(0, MOST.accounts).map((account) => ({
      account: account.account,
      state: account.state,
      reason: account.reason?.slice(0, MOST.reason) ?? null,
      restsUntil: account.restsUntil,
      inFlight: account.inFlight,
      tries: account.tries,
      answered: account.answered,
      circuitOpenings: account.circuitOpenings,
      headroom: account.headroom.slice(0, 8),
      headroomAt: account.headroomAt,
    })),
  }
}

function loadState({ gate, hedged, model, refused, version }: VersionLoad) {
  const sums = { 'queue-full': 0, predicted: 0, waited: 0 }
  for (const reasons of refused.values())
    for (const reason of ['queue-full', 'predicted', 'waited'] as const) sums[reason] += reasons[reason]
  const views = gate === undefined ? [] : [...PRIORITIES.keys()].map((rank) => gate.view(rank))
  return {
    model,
    version,
    limit: gate?.limit ?? null,
    inFlight: views.reduce((sum, view) => sum + view.inFlight, 0),
    queued: views.reduce((sum, view) => sum + view.queued, 0),
    hedges: { ...hedged },
    refused: sums,
  }
}
