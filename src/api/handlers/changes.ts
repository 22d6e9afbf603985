import type { ApiParts, Handlers } from '../parts.ts'

export function changeHandlers({
  store,
  changes,
}: ApiParts): Handlers<
  | 'listChanges'
  | 'createChange'
  | 'planChange'
  | 'getChange'
  | 'startChange'
  | 'approveChange'
  | 'waiveChange'
  | 'abortChange'
  | 'pauseChange'
  | 'resumeChange'
  | 'listChangeEvents'
  | 'listEvidence'
  | 'getRollout'
  | 'getBundle'
  | 'getReport'
> {
  return {
    listChanges: ({ query }) => store.changes.list({ model: query.model, open: query.open }, query),
    createChange: ({ body, caller }) => changes.propose(body, caller),
    planChange: ({ body }) => changes.plan(body),
    getChange: ({ params }) => store.changes.get(params.change),
    startChange: ({ params, caller }) => changes.start(params.change, caller),
    approveChange: ({ params, body, caller }) => changes.approve(params.change, body, caller),
    waiveChange: ({ params, body, caller }) => changes.waive(params.change, body, caller),
    abortChange: ({ params, body, caller }) => changes.abort(params.change, body.reason, caller),
    pauseChange: ({ params, caller }) => changes.pause(params.change, caller),
    resumeChange: ({ params, caller }) => changes.resume(params.change, caller),
    async listChangeEvents({ params }) {
      await store.changes.get(params.change)
      return { items: await store.changes.events(params.change) }
    },
    async listEvidence({ params }) {
      await store.changes.get(params.change)
      return { items: await store.evidence.list(params.change) }
    },
    async getRollout({ params, query }) {
      const change = await store.changes.get(params.change)
      const rollout = change.rolloutId === null ? undefined : await store.rollouts.get(change.rolloutId)
      return {
        rollout: rollout ?? null,
        looks: rollout === undefined ? [] : await store.rollouts.looks(rollout.id, query),
      }
    },
    getBundle: ({ params }) => changes.bundle(params.change),
    async getReport({ params, reply }) {
      reply.header('content-type', 'text/markdown; charset=utf-8')
      return await changes.report(params.change)
    },
  }
}
