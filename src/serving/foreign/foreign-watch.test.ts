import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { Health } from '../health.ts'
import type { ForeignGauges } from './foreign-kind.ts'
import { foreignTimings } from './foreign-timings.ts'
import { ForeignWatch } from './foreign-watch.ts'

const timings = { ...foreignTimings, watchMs: 1, silentAfterMs: 30_000, hungAfterMs: 300_000 }

let watch: ForeignWatch
afterEach(() => watch.close())

/** Looks at what a script says, one entry each, with so many ms between them; how it was judged. */
async function judged(
  looks: readonly { well?: boolean; gauges?: ForeignGauges | undefined }[],
  betweenMs: number,
): Promise<string | undefined> {
  let nowMs = 0
  let at = -1
  const clock = { ...systemClock, monotonicMs: () => nowMs }
  return await new Promise((resolve) => {
    watch = new ForeignWatch({
      clock,
      timings,
      health: new Health(clock, () => 1),
      isWell: async () => {
        at++
        nowMs += betweenMs
        if (at >= looks.length) resolve(undefined)
        return looks[at]?.well ?? true
      },
      scrape: async () => {
        const gauges = looks[at]?.gauges
        return gauges === undefined ? undefined : { gauges, firstToken: undefined }
      },
      onSilent: resolve,
    })
  })
}

const busy = (outputTokens: number): ForeignGauges => ({ running: 1, inputTokens: 5, outputTokens })
const many = <T>(count: number, each: (place: number) => T): T[] =>
  Array.from({ length: count }, (_, place) => each(place))

describe('a server that runs', () => {
  test.each([
    [
      'is well and idle',
      many(20, () => ({ gauges: { running: 0, inputTokens: 5, outputTokens: 5 } })),
      undefined,
    ],
    ['has work and gives tokens', many(20, (place) => ({ gauges: busy(place) })), undefined],
    [
      'reads long questions',
      many(20, (place) => ({ gauges: { ...busy(0), inputTokens: place } })),
      undefined,
    ],
    ['tells no metrics', many(20, () => ({})), undefined],
    ['tells its work and no tokens', many(20, () => ({ gauges: { running: 3 } })), undefined],
    [
      'is unwell now and then',
      many(20, (place) => ({ well: place % 3 !== 0, gauges: busy(place) })),
      undefined,
    ],
    ['has work and no token', many(20, () => ({ gauges: busy(7) })), /no token for 300000 ms/],
    ['is unwell and gives tokens', many(20, (place) => ({ well: false, gauges: busy(place) })), /health/],
  ])('%s', async (_, looks, reason) => {
    const found = await judged(looks, reason?.test('its health') === true ? 10_000 : 20_000)
    if (reason === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(reason)
  })
})
