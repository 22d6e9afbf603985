import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css = readFileSync(new URL('../../web/src/styles/tokens.css', import.meta.url), 'utf8')

const [light, dark] = css.split('@media').map(tokensOf) as [Tokens, Tokens]
type Tokens = Record<string, string>

const TEXT = [
  ['ink', 'bg'],
  ['ink', 'panel'],
  ['ink', 'tint'],
  ['mute', 'bg'],
  ['mute', 'panel'],
  ['mute', 'tint'],
  ['ok', 'panel'],
  ['ok', 'ok-tint'],
  ['orange', 'panel'],
  ['orange', 'warm'],
  ['blue', 'panel'],
  ['blue', 'bg'],
  ['blue', 'tint'],
  ['violet', 'panel'],
  ['on-blue', 'blue'],
] as const
const LINES = [
  ['grey', 'panel'],
  ['edge', 'panel'],
  ['blue', 'panel'],
  ['orange', 'panel'],
] as const

test.each([
  ['light', light],
  ['dark', dark],
])('every text and line of the %s pages can be told from its ground', (_, tokens) => {
  const weak = [...TEXT.map((pair) => [...pair, 4.5] as const), ...LINES.map((pair) => [...pair, 3] as const)]
    .map(([on, ground, wanted]) => ({ on, ground, wanted, is: contrast(tokens[on]!, tokens[ground]!) }))
    .filter(({ is, wanted }) => !(is >= wanted))
  expect(weak).toEqual([])
})

test('both schemes name the same colours', () => {
  expect(Object.keys(dark).sort()).toEqual(Object.keys(light).sort())
})

function tokensOf(text: string): Tokens {
  return Object.fromEntries(
    [...text.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value!]),
  )
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((left, right) => right - left)
  return (high! + 0.05) / (low! + 0.05)
}

function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
