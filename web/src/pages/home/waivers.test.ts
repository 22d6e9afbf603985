import { describe, expect, test } from 'vitest'
import type { Change, ChangeEvent, ModelSummary } from '../../../../src/contracts/index.ts'
import { mayOwe, overdueWaiver } from './waivers.ts'

const NOW = 1_000_000
const change = (id: string, state: Change['state'], label = 'v2') =>
  ({ id, state, candidate: { label }, proposal: { model: 'spam_filter' } }) as unknown as Change
const models = [{ model: 'spam_filter', champion: 'v2' }] as unknown as ModelSummary[]
const idsOf = (...changes: Change[]) => mayOwe(changes, models).map(({ id }) => id)

describe('whose waiver may be owed', () => {
  test.each<[string, Change[], string[]]>([
    ['one that waits on it', [change('c-1', 'waived', 'v3')], ['c-1']],
    ['the one that serves', [change('c-2', 'done')], ['c-2']],
    ['not one that was replaced', [change('c-3', 'done', 'v1')], []],
    ['not one that was withdrawn', [change('c-4', 'withdrawn')], []],
    ['not an older one of the same version', [change('c-6', 'done'), change('c-5', 'done')], ['c-6']],
  ])('%s', (_, changes, expected) => expect(idsOf(...changes)).toEqual(expected))

  test('a page reads some, not all', () => {
    const many = Array.from({ length: 50 }, (_, index) => change(`c-${index}`, 'waived'))
    expect(idsOf(...many)).toHaveLength(20)
  })
})

const event = (type: ChangeEvent['type'], data: Record<string, unknown> = {}) => ({
  type,
  actor: 'mira',
  data,
})
const waived = (until: unknown) => event('change-waived', { until, why: 'Monday', checks: ['cost'] })

describe('an overdue waiver', () => {
  test('says whose it was, why and of what', () => {
    expect(overdueWaiver([waived(NOW - 1)], NOW)).toEqual({
      until: NOW - 1,
      by: 'mira',
      why: 'Monday',
      checks: ['cost'],
    })
  })

  test.each([
    ['its time is not over', [waived(NOW)]],
    ['there was none', [event('change-proposed')]],
    ['the change fell back', [waived(1), event('change-blocked')]],
    ['the checks ran again', [waived(1), event('checking-started')]],
    ['another one followed that still holds', [waived(1), waived(NOW + 1)]],
    ['nobody can say when it ends', [waived('soon')]],
  ])('is none where %s', (_, events) => expect(overdueWaiver(events, NOW)).toBeUndefined())
})
