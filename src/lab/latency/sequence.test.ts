import { expect, test } from 'vitest'
import { contextFor } from '../testing/context.ts'
import { latencyPlan, planLatency } from './plan.ts'
import type { Half } from './raw.ts'
import { halfFault } from './sequence.ts'

const plan = latencyPlan.parse(planLatency(contextFor({ gatewayUrl: 'http://127.0.0.1:1' }), {}).plan)

/** Bucket 160 ends at 10.24 ms, 170 at 15.8 ms, 250 at 505 ms. */
const half = (change: Partial<Half>, medianMs = 5): Half => ({
  arm: 'champion',
  latencyMs: new Array<number>(500).fill(medianMs),
  failures: {},
  sendLag: { 50: 500 },
  achieved: 1,
  capped: 0,
  loopDelayMs: 0,
  queueMs: null,
  computeMs: null,
  ...change,
})

test.each<[string, Half, string | undefined]>([
  ['in time', half({}), undefined],
  ['one in a hundred late', half({ sendLag: { 50: 495, 170: 5 } }), undefined],
  ['two in a hundred late', half({ sendLag: { 50: 490, 170: 10 } }), 'late'],
  ['late, but nothing beside a second', half({ sendLag: { 170: 500 } }, 1000), undefined],
  ['later than 2 % of the median', half({ sendLag: { 250: 500 } }, 1000), 'late'],
  ['too few a second', half({ achieved: 0.98 }), 'rate'],
  ['sockets all taken', half({ capped: 6 }), 'sockets'],
  ['hardly ever', half({ capped: 5 }), undefined],
])('the client was %s', (_, given, fault) => expect(halfFault(plan, given)).toBe(fault))
