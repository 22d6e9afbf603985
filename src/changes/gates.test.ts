import { describe, expect, test } from 'vitest'
import type { Axis, AxisVerdict, Evidence, Measurement, SignOff } from '../contracts/index.ts'
import { gateOfCanary, gateOfCheck, gateOfSignOff, gateOfStaging } from './gates.ts'
import { defaultPolicy, type Policy } from './policy.ts'
import { proposalOf } from './testing/world.ts'
import { reachVerdict } from './verdict.ts'
import { amountOf, effectOf, intervalOf, listed } from './words.ts'

function measured(axis: Axis | null, verdict: AxisVerdict, said: Partial<Measurement> = {}): Measurement {
  return {
    axis,
    measure: `${axis} measure`,
    unit: axis === 'latency' || axis === 'cost' ? 'ratio' : 'pp',
    better: axis === 'latency' || axis === 'cost' ? 'lower' : 'higher',
    estimate: 0.001,
    lower: -0.004,
    upper: 0.006,
    confidence: 0.95,
    margin: 0.01,
    verdict,
    from: '2,421 pairs',
    needs: verdict === 'inconclusive' ? '900 more items' : null,
    ...said,
  }
}
function evidenceOf(
  check: Evidence['check'],
  status: Evidence['status'],
  measurements: Measurement[],
): Evidence {
  const version = { label: 'v1', id: `sha256:${'a'.repeat(64)}` }
  return {
    change: 'c-7f3a',
    check,
    champion: version,
    candidate: { ...version, label: 'v2' },
    plan: {},
    planHash: version.id,
    status,
    summary: `${check} says ${status}`,
    measurements,
    details: {},
    raw: {},
    startedAt: 0,
    finishedAt: 1,
    hash: `sha256:${check.padEnd(64, '0').replace(/[^0-9a-f]/g, '0')}`,
  }
}
const gain = measured('accuracy', 'superior', { estimate: 0.139, lower: 0.124, upper: 0.153 })
const loss = measured('accuracy', 'inferior', {
  estimate: -0.021,
  lower: -0.03,
  upper: -0.012,
  from: '2,421 paired mails',
})
const faster = measured('latency', 'superior', { estimate: -0.12, lower: -0.16, upper: -0.08, margin: 0.1 })

describe('the gate of a check', () => {
  test.each<[string, Evidence['check'], Axis, Evidence | undefined, string, RegExp]>([
    ['nothing measured holds', 'accuracy', 'accuracy', undefined, 'hold', /has not been measured yet/],
    [
      'a bad instrument holds, never fails',
      'latency',
      'accuracy',
      evidenceOf('latency', 'invalid', [measured('latency', 'inferior')]),
      'hold',
      /could not be measured/,
    ],
    [
      'the goal must be superior',
      'accuracy',
      'accuracy',
      evidenceOf('accuracy', 'pass', [gain]),
      'pass',
      /\+13\.9 pp \[12\.4, 15\.3\] on 2,421 pairs, superior/,
    ],
    [
      'no worse is not enough for the goal',
      'accuracy',
      'accuracy',
      evidenceOf('accuracy', 'inconclusive', [measured('accuracy', 'non-inferior')]),
      'hold',
      /shows no gain, and accuracy is the goal/,
    ],
    [
      'no worse is enough elsewhere',
      'accuracy',
      'cost',
      evidenceOf('accuracy', 'pass', [measured('accuracy', 'non-inferior')]),
      'pass',
      /non-inferior/,
    ],
    [
      'better is fine elsewhere',
      'latency',
      'accuracy',
      evidenceOf('latency', 'pass', [faster]),
      'pass',
      /−12 % \[−16, −8\]/,
    ],
    [
      'worse fails in words and numbers',
      'accuracy',
      'accuracy',
      evidenceOf('accuracy', 'fail', [loss]),
      'fail',
      /2\.1 points less accurate \[−3\.0, −1\.2\] on 2,421 paired mails; the margin is 1 pp/,
    ],
    [
      'worse fails whatever the status says',
      'accuracy',
      'cost',
      evidenceOf('accuracy', 'pass', [loss]),
      'fail',
      /less accurate/,
    ],
    [
      'one worse of two fails',
      'stability',
      'accuracy',
      evidenceOf('stability', 'pass', [
        measured('stability', 'superior'),
        measured('stability', 'inferior', { estimate: -0.02, lower: -0.03, upper: -0.015 }),
      ]),
      'fail',
      /2\.0 points less steady/,
    ],
    [
      'unsettled holds with what would settle it',
      'cost',
      'accuracy',
      evidenceOf('cost', 'inconclusive', [measured('cost', 'inconclusive')]),
      'hold',
      /needs 900 more items/,
    ],
    [
      'a check that is silent on its axis holds',
      'cost',
      'accuracy',
      evidenceOf('cost', 'pass', []),
      'hold',
      /measured nothing on its axis/,
    ],
    [
      'compatibility gates by its status',
      'compatibility',
      'accuracy',
      evidenceOf('compatibility', 'fail', []),
      'fail',
      /compatibility says fail/,
    ],
    [
      'compatibility that does not know holds',
      'compatibility',
      'accuracy',
      evidenceOf('compatibility', 'inconclusive', []),
      'hold',
      /says inconclusive/,
    ],
    [
      'what no axis owns is told, not judged',
      'compatibility',
      'accuracy',
      evidenceOf('compatibility', 'pass', [measured(null, 'inferior')]),
      'pass',
      /says pass/,
    ],
  ])('%s', (_, check, goal, evidence, result, reason) => {
    const gate = gateOfCheck(defaultPolicy, goal, check, evidence)
    expect(gate).toMatchObject({ gate: check, result })
    expect(gate.reasons.join('; ')).toMatch(reason)
  })
})

describe('sign-offs', () => {
  const hash = `sha256:${'e'.repeat(64)}`
  const by = (actor: string, said: Partial<SignOff> = {}): SignOff => ({
    change: 'c-7f3a',
    gate: 'sign-off',
    actor,
    key: `key-${actor}`,
    evidenceHash: hash,
    at: 10,
    expiresAt: 100,
    note: '',
    ...said,
  })
  const change = {
    proposal: proposalOf({ risk: 'new-provider' }),
    verdict: { recommendation: 'adopt' as const, sentence: '', table: [], evidenceHash: hash },
  }
  test.each<[string, SignOff[], number, string]>([
    ['nobody', [], 50, '2 more sign-offs wanted, not by ada'],
    ['one', [by('bo')], 50, '1 more sign-off wanted, not by ada'],
    ['one twice', [by('bo'), by('bo')], 50, '1 more'],
    ['the author', [by('bo'), by('ada')], 50, '1 more'],
    [
      'one on other evidence',
      [by('bo'), by('cy', { evidenceHash: change.verdict.evidenceHash.replace('e', 'f') })],
      50,
      '1 more',
    ],
    ['one expired', [by('bo'), by('cy', { expiresAt: 50 })], 50, '1 more'],
    ['one from later', [by('bo'), by('cy', { at: 51 })], 50, '1 more'],
    ['two', [by('bo'), by('cy')], 50, 'signed by bo, cy'],
    ['two keys of one name', [by('bo'), by('bo', { key: 'k2' })], 50, 'signed by bo, bo'],
    ['one key that was renamed', [by('bo'), by('bob', { key: 'key-bo' })], 50, '1 more'],
    ['the author renamed', [by('bo'), by('eve', { key: 'key-ada' })], 50, '1 more'],
    ['another key with the author’s name', [by('bo'), by('ada', { key: 'k2' })], 50, 'signed by ada, bo'],
    ['a name without a key, once', [by('bo'), by('bo', { key: undefined })], 50, '1 more'],
    ['the author’s name without a key', [by('bo'), by('ada', { key: undefined })], 50, '1 more'],
  ])('%s', (_, signOffs, at, reason) => {
    const gate = gateOfSignOff(defaultPolicy, change, { name: 'ada', key: 'key-ada' }, signOffs, at)
    expect(gate.result).toBe(reason.startsWith('signed') ? 'pass' : 'hold')
    expect(gate.reasons[0]).toContain(reason)
  })
})

test('staging passes on answers, fails on the first wrong one, and silence is no success', () => {
  const report = (sent: number, failures: string[]) =>
    gateOfStaging({ probe: { sent, failures }, differences: [] }).result
  expect([report(8, []), report(8, ['item m1: status 500']), report(0, [])]).toEqual(['pass', 'fail', 'hold'])
})

test('the canary passes on the way forward and fails on the way back, with the judge’s reason', () => {
  expect(gateOfCanary({ state: 'promoting', reason: null }).result).toBe('pass')
  expect(gateOfCanary({ state: 'aborting', reason: 'errors are worse' })).toEqual({
    gate: 'canary',
    result: 'fail',
    reasons: ['errors are worse'],
  })
})

describe('the verdict', () => {
  const rest = [
    evidenceOf('compatibility', 'pass', []),
    evidenceOf('stability', 'pass', [measured('stability', 'non-inferior')]),
    evidenceOf('latency', 'pass', [measured('latency', 'non-inferior')]),
    evidenceOf('cost', 'pass', [measured('cost', 'non-inferior')]),
  ]
  const without = (check: string) => rest.filter((one) => one.check !== check)
  const costIsOptional: Policy = { ...defaultPolicy, requiredAxes: ['latency', 'accuracy', 'stability'] }
  test.each<[string, Policy, Evidence[], string, string]>([
    [
      'all well',
      defaultPolicy,
      [...rest, evidenceOf('accuracy', 'pass', [gain])],
      'adopt',
      'ADOPT: more accurate by 13.9 points; nothing else got worse (security not measured).',
    ],
    [
      'two gains, the goal first',
      defaultPolicy,
      [
        ...without('latency'),
        evidenceOf('latency', 'pass', [faster]),
        evidenceOf('accuracy', 'pass', [gain]),
      ],
      'adopt',
      'ADOPT: more accurate by 13.9 points and faster by 12 %; nothing else got worse (security not measured).',
    ],
    [
      'worse',
      defaultPolicy,
      [evidenceOf('compatibility', 'pass', []), evidenceOf('accuracy', 'fail', [loss])],
      'reject',
      'REJECT: 2.1 points less accurate [−3.0, −1.2] on 2,421 paired mails.',
    ],
    [
      'worse, although faster',
      defaultPolicy,
      [
        ...without('latency'),
        evidenceOf('latency', 'pass', [faster]),
        evidenceOf('accuracy', 'fail', [loss]),
      ],
      'reject',
      'REJECT: 2.1 points less accurate [−3.0, −1.2] on 2,421 paired mails, although it is faster by 12 %.',
    ],
    [
      'does not fit',
      defaultPolicy,
      [evidenceOf('compatibility', 'fail', [])],
      'reject',
      'REJECT: the compatibility check failed: compatibility says fail.',
    ],
    [
      'not settled',
      defaultPolicy,
      [
        ...without('cost'),
        evidenceOf('cost', 'inconclusive', [
          measured('cost', 'inconclusive', { estimate: 0.03, lower: -0.04, upper: 0.1, margin: 0.05 }),
        ]),
        evidenceOf('accuracy', 'pass', [gain]),
      ],
      'hold',
      'HOLD: cost: +3 % [−4, +10] on 2,421 pairs does not settle it, the margin is 5 %; needs 900 more items.',
    ],
    [
      'worse where nobody requires it',
      costIsOptional,
      [
        ...without('cost'),
        evidenceOf('cost', 'pass', [
          measured('cost', 'inferior', { estimate: 0.2, lower: 0.15, upper: 0.25 }),
        ]),
        evidenceOf('accuracy', 'pass', [gain]),
      ],
      'adopt-with-conditions',
      'ADOPT WITH CONDITIONS: more accurate by 13.9 points; but it is 20 % dearer [15, 25] (security not measured).',
    ],
  ])('%s', (_, policy, evidence, recommendation, sentence) => {
    const verdict = reachVerdict(policy, proposalOf(), evidence)
    expect(verdict.recommendation).toBe(recommendation)
    expect(verdict.sentence).toBe(sentence)
    expect(verdict.table.map(({ axis }) => axis)).toEqual([
      'cost',
      'latency',
      'accuracy',
      'security',
      'stability',
    ])
  })

  test('security says that it was not measured', () => {
    const row = reachVerdict(defaultPolicy, proposalOf(), rest).table.find(({ axis }) => axis === 'security')
    expect(row).toMatchObject({
      estimate: null,
      verdict: 'inconclusive',
      from: 'not measured',
      needs: 'a check of security',
    })
  })

  test('its hash covers evidence, proposal and policy, and no order', () => {
    const of = (...given: Parameters<typeof reachVerdict>) => reachVerdict(...given).evidenceHash
    const hash = of(defaultPolicy, proposalOf(), rest)
    expect(of(defaultPolicy, proposalOf(), rest.toReversed())).toBe(hash)
    expect(of(defaultPolicy, proposalOf(), rest.slice(1))).not.toBe(hash)
    expect(of(defaultPolicy, proposalOf({ hypothesis: 'other' }), rest)).not.toBe(hash)
    expect(of({ ...defaultPolicy, name: 'other' }, proposalOf(), rest)).not.toBe(hash)
  })
})

test.each<[Measurement, string, string]>([
  [gain, '+13.9 pp [12.4, 15.3]', 'more accurate by 13.9 points'],
  [
    measured('accuracy', 'superior', { estimate: 0.01, lower: 0.005, upper: 0.015 }),
    '+1.0 pp [0.5, 1.5]',
    'more accurate by 1.0 point',
  ],
  [
    measured('stability', 'inferior', { estimate: 0.02, lower: 0.01, upper: 0.03, better: 'lower' }),
    '+2.0 pp [1.0, 3.0]',
    '2.0 points less steady',
  ],
  [
    measured('latency', 'non-inferior', { estimate: -0.01, lower: -0.04, upper: 0.03 }),
    '−1 % [−4, +3]',
    'faster by 1 %',
  ],
  [
    measured('cost', 'superior', { estimate: -0.021, lower: -0.026, upper: -0.016 }),
    '−2.1 % [−2.6, −1.6]',
    'cheaper by 2.1 %',
  ],
  [
    measured('accuracy', 'non-inferior', { estimate: -0.0001, lower: -0.0002, upper: 0 }),
    '0.0 pp [0.0, 0.0]',
    '0.0 points less accurate',
  ],
  [
    measured('accuracy', 'inconclusive', { estimate: null, lower: null, upper: null }),
    'not measured',
    '0.0 points less accurate',
  ],
])('numbers in words', (measurement, interval, effect) => {
  expect(intervalOf(measurement)).toBe(interval)
  expect(effectOf(measurement)).toBe(effect)
  expect(amountOf(measurement)).not.toContain('-')
})

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c'], 'a, b and c'],
])('a list of %j reads %s', (words, text) => expect(listed(words)).toBe(text))
