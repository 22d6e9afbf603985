import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { type Measurement, measurement } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import { makeEvidence } from './evidence.ts'
import { intervalText, measured, statusOf } from './judging.ts'
import { contextFor } from './testing/context.ts'

const base = {
  axis: 'latency' as const,
  measure: 'p95',
  better: 'lower' as const,
  confidence: 0.95,
  from: '12 pairs',
  n: 12,
  needs: (n: number | undefined) => `${n} pairs`,
}

test.each<[string, 'pp' | 'ratio', number, [number, number, number], string, string | null]>([
  [
    'the margin of a ratio is taken on its log',
    'ratio',
    0.1,
    [0, -0.05, Math.log(1.0999)],
    'non-inferior',
    null,
  ],
  ['and just beyond it', 'ratio', 0.1, [0, -0.05, Math.log(1.1001)], 'inconclusive', '13 pairs'],
  ['points are taken as they are', 'pp', 0.01, [0.05, 0.02, 0.08], 'inferior', null],
  ['better by its whole interval', 'pp', 0.01, [-0.05, -0.08, -0.001], 'superior', null],
])('%s', (_, unit, margin, [estimate, lower, upper], verdict, needs) => {
  const read = measured({ ...base, unit, margin, interval: { estimate, lower, upper } })
  expect(measurement.parse(read)).toMatchObject({ verdict, needs })
  if (unit === 'ratio') expect(read.upper).toBeCloseTo(Math.expm1(upper), 5)
})

test('what could not be measured is inconclusive and says what is missing', () => {
  expect(measured({ ...base, unit: 'pp', margin: 0.01, interval: null })).toMatchObject({
    estimate: null,
    verdict: 'inconclusive',
    needs: 'undefined pairs',
  })
})

const of = (axis: Measurement['axis'], verdict: Measurement['verdict']) => ({ axis, verdict }) as Measurement
test.each<[string, Measurement[], string]>([
  ['nothing worse', [of('latency', 'non-inferior'), of(null, 'non-inferior')], 'pass'],
  ['worse anywhere', [of('latency', 'superior'), of(null, 'inferior')], 'fail'],
  ['open anywhere', [of('latency', 'superior'), of(null, 'inconclusive')], 'inconclusive'],
  ['worse outweighs open', [of('latency', 'inconclusive'), of(null, 'inferior')], 'fail'],
  ['the goal reached', [of('cost', 'superior')], 'pass'],
  ['the goal not reached', [of('cost', 'non-inferior')], 'inconclusive'],
])('status: %s', (_, measurements, status) => expect(statusOf(measurements, 'cost')).toBe(status))

test.each<[Partial<Measurement>, string]>([
  [{ unit: 'pp', estimate: 0.139, lower: 0.124, upper: 0.153 }, '+13.9 pp [+12.4, +15.3]'],
  [{ unit: 'ratio', estimate: -0.01, lower: -0.04, upper: 0.03 }, '−1.0 % [−4.0, +3.0]'],
  [{ unit: 'ratio', estimate: 0, lower: -0.0001, upper: 0.0123 }, '0.00 % [−0.01, +1.23]'],
  [{ unit: 'pp', estimate: null, lower: null, upper: null }, 'not measured'],
])('%o reads %s', (parts, text) => expect(intervalText(parts as Measurement)).toBe(text))

const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1' })
const judgement = {
  status: 'pass' as const,
  summary: 'fine',
  measurements: [],
  details: { a: undefined, b: 1 },
}
const times = { startedAt: 1.4, finishedAt: 2.6 }
const plan = { check: 'cost' as const, plan: { pairs: 12 } }

property.prop([fc.dictionary(fc.string(), fc.jsonValue())])(
  'evidence is hashed over all of it, and over nothing that JSON loses',
  (raw) => {
    const evidence = makeEvidence(context, plan, raw, judgement, times)
    const { hash, ...rest } = JSON.parse(JSON.stringify(evidence)) as typeof evidence
    expect(digestOf(rest)).toBe(hash)
    expect(evidence).toMatchObject({ planHash: digestOf(plan.plan), startedAt: 1, finishedAt: 3 })
  },
)

test.each<[string, Parameters<typeof makeEvidence>]>([
  ['raw blocks', [context, plan, { x: 2 }, judgement, times]],
  ['the plan', [context, { ...plan, plan: { pairs: 13 } }, { x: 1 }, judgement, times]],
  ['the judgement', [context, plan, { x: 1 }, { ...judgement, status: 'fail' }, times]],
  ['the versions', [{ ...context, candidate: context.champion }, plan, { x: 1 }, judgement, times]],
])('other %s, another hash', (_, given) => {
  expect(makeEvidence(...given).hash).not.toBe(makeEvidence(context, plan, { x: 1 }, judgement, times).hash)
})
