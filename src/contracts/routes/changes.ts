import { z } from 'zod'
import * as c from '../change.ts'
import { digest, modelName } from '../names.ts'
import * as r from '../rollout.ts'
import { route } from '../route.ts'
import { byChange, page, paged } from './shared.ts'

/** Changes: proposed, checked, signed, rolled out, verified. */
export const changesRoutes = {
  listChanges: route({
    method: 'GET',
    path: '/api/v1/changes',
    listener: 'control',
    access: 'read',
    summary: 'All changes, newest first.',
    query: paged.extend({ model: modelName.optional(), open: z.stringbool().optional() }),
    answer: page(c.change),
  }),
  createChange: route({
    method: 'POST',
    path: '/api/v1/changes',
    listener: 'control',
    access: 'check',
    summary: 'Propose a change.',
    body: c.changeProposal,
    answer: c.change,
    status: 201,
  }),
  planChange: route({
    method: 'POST',
    path: '/api/v1/changes/plan',
    listener: 'control',
    access: 'check',
    summary: 'What would be run, how long, and what it can detect.',
    body: c.changeProposal,
    answer: z.object({
      plans: z.array(
        z.object({
          check: c.checkName,
          plan: z.record(z.string(), z.unknown()),
          expectedMs: z.number(),
          says: z.array(z.string()),
        }),
      ),
      rollout: z.array(r.stepForecast),
      impossible: z.array(z.string()),
    }),
  }),
  getChange: route({
    method: 'GET',
    path: '/api/v1/changes/{change}',
    listener: 'control',
    access: 'read',
    summary: 'One change.',
    params: byChange,
    answer: c.change,
  }),
  startChange: route({
    method: 'POST',
    path: '/api/v1/changes/{change}/start',
    listener: 'control',
    // Its canary moves traffic, so whoever starts it must be one who may.
    access: 'deploy',
    summary: 'Run its checks, and its rollout when they pass. Starting twice is the same as once.',
    params: byChange,
    answer: c.change,
    status: 202,
  }),
  approveChange: route({
    method: 'POST',
    path: '/api/v1/changes/{change}/approve',
    listener: 'control',
    access: 'approve',
    summary: 'Sign the evidence.',
    params: byChange,
    body: z.strictObject({ evidenceHash: digest, note: z.string().max(2000).default('') }),
    answer: c.change,
  }),
  abortChange: route({
    method: 'POST',
    path: '/api/v1/changes/{change}/abort',
    listener: 'control',
    access: 'deploy',
    summary: 'Stop: roll back when in the canary, withdraw before it.',
    params: byChange,
    body: z.strictObject({ reason: z.string().min(1).max(2000) }),
    answer: c.change,
  }),
  pauseChange: route({
    method: 'POST',
    path: '/api/v1/changes/{change}/pause',
    listener: 'control',
    access: 'deploy',
    summary: 'Hold the canary where it is.',
    params: byChange,
    answer: c.change,
  }),
  resumeChange: route({
    method: 'POST',
    path: '/api/v1/changes/{change}/resume',
    listener: 'control',
    access: 'deploy',
    summary: 'Go on with a held canary.',
    params: byChange,
    answer: c.change,
  }),
  listChangeEvents: route({
    method: 'GET',
    path: '/api/v1/changes/{change}/events',
    listener: 'control',
    access: 'read',
    summary: 'The hash-chained log.',
    params: byChange,
    answer: z.object({ items: z.array(c.changeEvent) }),
  }),
  listEvidence: route({
    method: 'GET',
    path: '/api/v1/changes/{change}/evidence',
    listener: 'control',
    access: 'read',
    summary: 'All evidence of a change.',
    params: byChange,
    answer: z.object({ items: z.array(c.evidence) }),
  }),
  getRollout: route({
    method: 'GET',
    path: '/api/v1/changes/{change}/rollout',
    listener: 'control',
    access: 'read',
    summary: 'The rollout of a change with its looks, oldest first.',
    params: byChange,
    query: z.object({
      /** Only looks after the one with this sequence: what a reader that follows does not have yet. */
      since: z.coerce.number().int().min(-1).max(2_147_483_647).default(-1),
      /** At most so many looks; left out: all. A full answer may have followers: ask again with its last sequence. */
      limit: z.coerce.number().int().min(1).max(10_000).optional(),
    }),
    answer: z.object({ rollout: r.rollout.nullable(), looks: z.array(r.rolloutLook) }),
  }),
  getBundle: route({
    method: 'GET',
    path: '/api/v1/changes/{change}/bundle',
    listener: 'control',
    access: 'read',
    summary: 'Everything `slipway verify` needs, offline.',
    params: byChange,
    answer: z.record(z.string(), z.unknown()),
  }),
  getReport: route({
    method: 'GET',
    path: '/api/v1/changes/{change}/report',
    listener: 'control',
    access: 'read',
    summary: 'The report as Markdown.',
    params: byChange,
    answer: 'text',
  }),
}
