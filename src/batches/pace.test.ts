import { describe, expect, test } from 'vitest'
import { manualClock } from '../store/testing.ts'
import { Pace } from './pace.ts'

const never = new AbortController().signal

/** How many may be asked right now. */
async function room(pace: Pace): Promise<number> {
  let begun = 0
  for (;;) {
    const stop = new AbortController()
    const begin = pace.begin(stop.signal).then(
      () => true,
      () => false,
    )
    setImmediate(() => stop.abort(new Error('no room')))
    if (!(await begin)) break
    begun++
  }
  for (let index = 0; index < begun; index++) pace.end('answered')
  return begun
}

describe('the pace of a batch', () => {
  test('is full at first, halves where there is no room, and grows back', async () => {
    const clock = manualClock()
    const pace = new Pace(clock, 8)
    expect(await room(pace)).toBe(8)
    await pace.begin(never)
    pace.end({ pausedMs: 1000 })
    expect(pace.width).toBe(4)
    expect(await room(pace)).toBe(0)
    clock.advance(1000)
    for (let index = 0; index < 40; index++) {
      await pace.begin(never)
      pace.end('answered')
    }
    expect(pace.width).toBe(8)
  })

  test('takes refusals that came together for one', async () => {
    const pace = new Pace(manualClock(), 8)
    for (let index = 0; index < 8; index++) await pace.begin(never)
    for (let index = 0; index < 8; index++) pace.end({ pausedMs: undefined })
    expect(pace.width).toBe(4)
  })

  test('keeps one going, and waits longer each time', async () => {
    const clock = manualClock()
    const pace = new Pace(clock, 4)
    for (const pauseMs of [100, 200, 400, 800]) {
      await pace.begin(never)
      pace.end({ pausedMs: undefined })
      clock.advance(pauseMs - 1)
      expect(await room(pace)).toBe(0)
      clock.advance(1)
    }
    expect(pace.width).toBe(1)
  })

  test('wakes who waits when a place is free, and lets go who is aborted', async () => {
    const pace = new Pace(manualClock(), 1)
    await pace.begin(never)
    const next = pace.begin(never)
    const stop = new AbortController()
    const other = pace.begin(stop.signal)
    stop.abort(new Error('stopped'))
    await expect(other).rejects.toThrow('stopped')
    pace.end('answered')
    await next
  })
})
