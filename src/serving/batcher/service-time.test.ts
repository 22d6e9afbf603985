import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { ServiceTime } from './service-time.ts'

test.prop([
  fc.double({ min: 0, max: 50, noNaN: true }),
  fc.double({ min: 0, max: 5, noNaN: true }),
  fc
    .array(fc.integer({ min: 1, max: 64 }), { minLength: 4, maxLength: 60 })
    .filter((sizes) => new Set(sizes).size > 2),
])('finds a and b of times that are a + b·n', (fixedMs, perRowMs, sizes) => {
  const service = new ServiceTime()
  for (const rows of sizes) service.observe(rows, fixedMs + perRowMs * rows)
  expect(service.of(10)).toBeCloseTo(fixedMs + perRowMs * 10, 3)
})

test('keeps the slope when all batches become alike', () => {
  const service = new ServiceTime()
  service.observe(1, 10.1)
  service.observe(32, 13.2)
  expect([service.fixedMs, service.perRowMs]).toEqual([expect.closeTo(10, 6), expect.closeTo(0.1, 6)])
  for (let batch = 0; batch < 600; batch++) service.observe(4, 10.4)
  expect([service.fixedMs, service.perRowMs]).toEqual([expect.closeTo(10, 3), expect.closeTo(0.1, 3)])
})

test('follows a model that becomes slower', () => {
  const service = new ServiceTime()
  for (let batch = 0; batch < 300; batch++) service.observe(1 + (batch % 8), 10)
  for (let batch = 0; batch < 300; batch++) service.observe(1 + (batch % 8), 30)
  expect(service.of(4)).toBeCloseTo(30, 0)
})

test('says 0 before it has seen any', () => {
  expect(new ServiceTime().of(5)).toBe(0)
})
