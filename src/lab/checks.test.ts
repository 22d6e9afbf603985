import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { checkName } from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'
import { analyse, type CheckContext, checks, createChecks } from './index.ts'
import { contextFor } from './testing/context.ts'

const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1', items: 500 })

describe.each(checkName.options)('the plan of %s', (name) => {
  test('is whole and the same for the same context, without a secret in it', async () => {
    const { plan, expectedMs, says } = await checks[name].plan(context)
    expect(checks[name].name).toBe(name)
    expect(plan).toMatchObject({
      check: name,
      change: 'c-7f3a',
      seed: 7,
      confidence: 0.95,
      dataset: { items: 500 },
    })
    expect(JSON.parse(canonicalJson(plan))).toEqual(plan)
    expect(digestOf((await createChecks()[name].plan(context)).plan)).toBe(digestOf(plan))
    expect(canonicalJson(plan)).not.toContain(context.key)
    expect(expectedMs).toBeGreaterThan(0)
    expect(says.length).toBeGreaterThan(0)
  })

  test.each<[string, (given: CheckContext) => CheckContext]>([
    ['seed', (given) => ({ ...given, seed: 8 })],
    ['data', (given) => ({ ...given, golden: { ...given.golden, digest: digestOf('other') } })],
    ['candidate', (given) => ({ ...given, candidate: { ...given.candidate, id: digestOf('other') } })],
  ])('differs with the %s', async (_, change) => {
    const [one, other] = await Promise.all([checks[name].plan(context), checks[name].plan(change(context))])
    expect(digestOf(other.plan)).not.toBe(digestOf(one.plan))
  })
})

/** A bundle comes from a stranger: whatever it holds is judged or refused in words. */
property.prop([
  fc.constantFrom(...checkName.options),
  fc.jsonValue(),
  fc.array(fc.jsonValue(), { maxLength: 3 }),
])('raw blocks of any form are refused with a reason', async (name, value, list) => {
  const { plan } = await checks[name].plan(context)
  const raw = {
    blocks: list,
    noise: list,
    repeats: list,
    ladder: value,
    aa: list,
    ab: list,
    probe: value,
  } as Record<string, unknown>
  try {
    expect(analyse(name, plan, raw).status).toBe('invalid')
  } catch (error) {
    expect(error).toMatchObject({ code: 'bundle_invalid' })
  }
})
