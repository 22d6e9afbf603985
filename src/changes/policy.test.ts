import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { isSlipwayError } from '../kernel/index.ts'
import { checksOf, defaultPolicy, hashOfPolicy, parsePolicy } from './policy.ts'

const text = (change: (policy: Record<string, never>) => void = () => undefined) => {
  const copy = structuredClone(defaultPolicy) as unknown as Record<string, never>
  change(copy)
  return stringify(copy)
}

test('the default policy survives YAML with the same hash; any word of it is in the hash', () => {
  expect(hashOfPolicy(parsePolicy(text()))).toBe(hashOfPolicy(defaultPolicy))
  expect(hashOfPolicy({ ...defaultPolicy, name: 'other' })).not.toBe(hashOfPolicy(defaultPolicy))
})

test('checks run in their order, whatever the order in the policy', () => {
  const policy = parsePolicy(
    text((copy) => (copy as unknown as typeof defaultPolicy).tiers.prompt.checks.reverse()),
  )
  expect(checksOf(policy, 'prompt')).toEqual(['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
})

test.each<[string, string, RegExp]>([
  ['no YAML', 'a: [', /not YAML/],
  ['an unknown key', `${text()}\nextra: 1\n`, /Unrecognized key: "extra"/],
  ['another version', text().replace('version: 1', 'version: 2'), /version: /],
  [
    'a missing tier',
    text((copy) => Reflect.deleteProperty((copy as unknown as typeof defaultPolicy).tiers, 'prompt')),
    /tiers\.prompt/,
  ],
  [
    'an axis nobody measures',
    text().replace('  - cost\n', '  - security\n'),
    /axis security is required, but no check/,
  ],
  [
    'no compatibility',
    text((copy) => (copy as unknown as typeof defaultPolicy).tiers.prompt.checks.shift()),
    /compatibility cannot be left out/,
  ],
  ['too many signers', text().replace('signOffs: 2', 'signOffs: 99'), /signOffs/],
])('%s is refused with the place', (_, yaml, reason) => {
  const error = (() => {
    try {
      parsePolicy(yaml)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(isSlipwayError(error) && error.code).toBe('policy_invalid')
  expect((error as Error).message).toMatch(reason)
})
