import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  type CostRow,
  type GenerateAnswer,
  type GenerateRequest,
  NO_USAGE,
  servingPolicy,
} from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import type { CacheFinding, CacheHit, TextSubject } from '../text/parts.ts'
import { MemoryAnswers } from './answers.ts'
import { FalseHits } from './false-hits.ts'
import { type Embed, PolicyCache } from './policy-cache.ts'

interface Asked {
  readonly text?: string
  readonly tenant?: string
  readonly version?: string
  readonly priority?: 'interactive' | 'batch'
  readonly isSampled?: boolean
  readonly cache?: Record<string, unknown>
  readonly more?: Partial<GenerateRequest>
}

const exact = { exact: { ttlMs: 1000, staleMs: 500 } }

function ask({
  cache = exact,
  isSampled = false,
  more = {},
  priority,
  tenant = 'acme',
  text = 'hi',
  version = 'v1',
}: Asked = {}) {
  const request: GenerateRequest = {
    messages: [{ role: 'user', content: [{ type: 'text', text }] }],
    ...more,
  }
  return {
    operation: 'generate',
    key: { publicId: 'k', tenant, scopes: ['predict'], priority, limits: {}, expiresAt: null, mac: '' },
    model: { model: 'm', serving: servingPolicy.parse({ cache }) },
    version: { id: version, label: version },
    glance: { isSampled },
    body: Buffer.from(JSON.stringify(request)),
    neutral: () => request,
  } as unknown as TextSubject
}

const answer = (text: string): GenerateAnswer => ({
  id: 'a',
  createdAt: 0,
  choices: [{ index: 0, finishReason: 'stop', content: [{ type: 'text', text }] }],
  usage: NO_USAGE,
})
const cost: CostRow = { state: 'exact', costUsd: '0.25', price: 'p' }

/** Letters as a vector: texts of the same letters are near each other. */
const letters: Embed = async (_, text) =>
  Array.from(
    { length: 26 },
    (__, index) => text.toLowerCase().split(String.fromCharCode(97 + index)).length - 1,
  )

function open(more: { maxBytes?: number; embed?: Embed; auditShare?: number } = {}) {
  let nowMs = 0
  const clock = { ...systemClock, monotonicMs: () => nowMs }
  const cache = new PolicyCache({
    answers: new MemoryAnswers(more.maxBytes ?? 1_000_000),
    embed: more.embed ?? letters,
    clock,
    random: () => 0.5,
    log: silentLogger(),
  })
  return {
    cache,
    at(ms: number) {
      nowMs = ms
      return this
    },
    lookup: async (asked: Asked = {}) => await cache.lookup(ask(asked), nowMs),
    /** Asks, and answers where nobody has it. */
    async serve(asked: Asked, text: string): Promise<string> {
      const found = await cache.lookup(ask(asked), nowMs)
      if (found.kind === 'miss') {
        found.flight.store(answer(text), NO_USAGE, cost)
        return `asked: ${text}`
      }
      return said(found)
    },
  }
}

function said(found: CacheFinding): string {
  if (!('answer' in found) || found.answer instanceof Promise) return found.kind
  const [part] = (found.answer as GenerateAnswer).choices[0]?.content ?? []
  return `${found.kind}: ${part?.type === 'text' ? part.text : ''}`
}

describe('the same question', () => {
  test('is answered from the cache, says what that saved, and how old it is', async () => {
    const { at, lookup, serve } = open()
    await serve({}, 'hello')
    at(400)
    expect(await lookup()).toMatchObject({ kind: 'hit', savedUsd: '0.25', ageMs: 400 })
  })

  test.each<[string, Asked]>([
    ['another text', { text: 'ho' }],
    ['another tenant', { tenant: 'other' }],
    ['a key of another priority', { priority: 'batch' }],
    ['another version', { version: 'v2' }],
    ['another temperature', { more: { temperature: 0.1 } }],
    ['another tool', { more: { tools: [{ name: 't' }] } }],
    ['an extra that only the provider knows', { more: { extras: { top_a: 1 } } }],
  ])('is not the same with %s', async (_, other) => {
    const { serve } = open()
    await serve({}, 'hello')
    expect(await serve(other, 'else')).toBe('asked: else')
  })

  test.each<[string, Asked]>([
    ['streamed', { more: { stream: true, includeUsage: true } }],
    ['asked by another user of the tenant', { more: { user: 'bob' } }],
  ])('is the same when it is %s', async (_, other) => {
    const { serve } = open()
    await serve({}, 'hello')
    expect(await serve(other, 'else')).toBe('hit: hello')
  })

  property.prop([fc.string(), fc.string(), fc.string(), fc.string()])(
    'no tenant ever meets an answer of another, whatever they are called and ask',
    async (tenant, text, otherTenant, otherText) => {
      fc.pre(tenant !== otherTenant)
      const { serve } = open()
      await serve({ tenant, text }, 'hello')
      expect(await serve({ tenant: otherTenant, text: otherText }, 'else')).toBe('asked: else')
    },
  )

  test('that draws at random is not cached, unless the policy says so', async () => {
    const { lookup } = open()
    expect((await lookup({ isSampled: true })).kind).toBe('off')
    expect((await lookup({ isSampled: true, cache: { exact: { ttlMs: 1, cacheSampled: true } } })).kind).toBe(
      'miss',
    )
  })
})

describe('age', () => {
  test('past its time an answer is stale for a while, and fetched anew by one request', async () => {
    const { at, lookup, serve } = open()
    await serve({}, 'old')
    at(1200)
    const first = (await lookup()) as CacheHit
    expect(said(first)).toBe('stale: old')
    expect(((await lookup()) as CacheHit).refresh).toBeUndefined()
    first.refresh?.store(answer('new'), NO_USAGE, cost)
    expect(said(await lookup())).toBe('hit: new')
  })

  test('a refresh that failed may be tried again', async () => {
    const { at, lookup, serve } = open()
    await serve({}, 'old')
    at(1200)
    ;((await lookup()) as CacheHit).refresh?.abandon()
    expect(((await lookup()) as CacheHit).refresh).toBeDefined()
  })

  test('after that it is a miss, but still there for a ladder', async () => {
    const { at, cache, lookup, serve } = open()
    await serve({}, 'old')
    at(2000)
    expect((await lookup()).kind).toBe('miss')
    expect(said(cache.older(ask(), 2000, 2000) as CacheHit)).toBe('stale: old')
    expect(cache.older(ask(), 1999, 2000)).toBeUndefined()
  })
})

describe('single flight', () => {
  test('who asks meanwhile gets the answer of the first', async () => {
    const { lookup } = open()
    const first = await lookup()
    const second = await lookup()
    expect([first.kind, second.kind]).toEqual(['miss', 'shared'])
    if (first.kind === 'miss') first.flight.store(answer('hello'), NO_USAGE, cost)
    expect(second.kind === 'shared' && said((await second.answer) as CacheHit)).toBe('hit: hello')
  })

  test('when the first fails the others ask for themselves', async () => {
    const { lookup } = open()
    const first = await lookup()
    const second = await lookup()
    if (first.kind === 'miss') first.flight.abandon()
    expect(second.kind === 'shared' && (await second.answer)).toBeUndefined()
    expect((await lookup()).kind).toBe('miss')
  })
})

test('it stays within its bytes, and forgets what was not asked for longest', async () => {
  const { cache, lookup, serve } = open({ maxBytes: 20_000 })
  for (let index = 0; index < 100; index++) {
    await serve({ text: `q${index}` }, 'x'.repeat(300))
    await lookup({ text: 'q0' })
  }
  expect(cache.view().bytes).toBeLessThanOrEqual(20_000)
  expect(cache.view().answers).toBeGreaterThan(5)
  expect((await lookup({ text: 'q0' })).kind).toBe('hit')
  expect((await lookup({ text: 'q1' })).kind).toBe('miss')
})

describe('the semantic cache', () => {
  const semantic = (more: Record<string, unknown> = {}) => ({
    semantic: { ttlMs: 1000, threshold: 0.95, embedWith: 'e', auditShare: 0, ...more },
  })

  test('answers a question that means the same, and only within its tenant and conversation', async () => {
    const { serve } = open()
    const cache = semantic()
    await serve({ cache, text: 'where is the station' }, 'left')
    expect(await serve({ cache, text: 'the station is where' }, 'else')).toBe('semantic: left')
    expect(await serve({ cache, text: 'the station is where', tenant: 'other' }, 'else')).toBe('asked: else')
    const more = {
      temperature: 0,
      messages: [
        { role: 'system' as const, content: [{ type: 'text' as const, text: 'Speak French.' }] },
        { role: 'user' as const, content: [{ type: 'text' as const, text: 'the station is where' }] },
      ],
    }
    expect(await serve({ cache, more }, 'à gauche')).toBe('asked: à gauche')
  })

  test('asks when nothing is near enough, or the vectors cannot be had', async () => {
    const { serve } = open()
    await serve({ cache: semantic(), text: 'abc' }, 'x')
    expect(await serve({ cache: semantic(), text: 'xyz' }, 'y')).toBe('asked: y')
    const broken = open({ embed: () => Promise.reject(new Error('down')) })
    expect(await broken.serve({ cache: semantic(), text: 'abc' }, 'x')).toBe('asked: x')
  })

  test('measures its false hits by asking again, and turns itself off', async () => {
    const { cache: opened, lookup, serve } = open()
    const cache = semantic({ auditShare: 1, maxFalseHitRate: 0.1 })
    await serve({ cache, text: 'abc' }, 'aaaa')
    const hit = (await lookup({ cache, text: 'cba' })) as CacheHit
    expect(said(hit)).toBe('semantic: aaaa')
    hit.refresh?.store(answer('zzzz'), NO_USAGE, cost)
    await new Promise(setImmediate)
    expect(opened.view()).toMatchObject({ audits: 1, falseHits: 1 })
    expect((await lookup({ cache, text: 'bca' })).kind).toBe('miss')
  })
})

describe('trust in a semantic cache', () => {
  test.each<[string, number, number, number, boolean]>([
    ['nothing was audited', 0, 0, 0.02, true],
    ['one false hit of few says little', 1, 5, 0.1, true],
    ['many of few say enough', 3, 5, 0.1, false],
    ['above the limit after enough audits', 4, 100, 0.03, false],
    ['below it', 2, 100, 0.03, true],
  ])('%s', (_, falseHits, audits, limit, isTrusted) => {
    const counts = new FalseHits(limit)
    for (let index = 0; index < audits; index++) counts.audited(index < falseHits)
    expect(counts.isTrusted).toBe(isTrusted)
  })
})
