import { afterEach, describe, expect, test } from 'vitest'
import type { Upstream, UpstreamOutcome } from './upstream.ts'

/** The other side of an upstream, as a test moves it. It computes the sum of four floats a row. */
export interface OtherSide {
  /** Answers come at once, or are held until `release`. */
  hold(): void
  release(): void
  /** The next request fails in the model. */
  failNext(): void
  /** Requests that reached it. */
  seen(): number
  /** Requests it was told to forget. */
  cancelled(): number
  /** Goes away without a word, connections included. */
  vanish(): Promise<void>
  /** Is there again, at the same address. */
  comeBack(): Promise<void>
  close(): Promise<void>
}

export interface UpstreamWorld {
  readonly upstream: Upstream
  readonly other: OtherSide
}

/** Holds one kind of upstream to what `Upstream` promises. */
export function conformsToUpstream(kind: string, open: () => Promise<UpstreamWorld>): void {
  const worlds: UpstreamWorld[] = []
  const world = async () => {
    const opened = await open()
    worlds.push(opened)
    await opened.upstream.whenReady()
    return opened
  }
  afterEach(async () => {
    for (const { upstream, other } of worlds.splice(0)) {
      other.release()
      await upstream.close()
      await other.close()
    }
  })

  describe(`${kind} as an upstream`, () => {
    test('answers rows with rows, and says what they cost', async () => {
      const { upstream } = await world()
      const outcome = await ask(upstream, [1, 2, 3, 4, 5, 6, 7, 8])
      expect(outcome).toMatchObject({ ok: true, rows: 2 })
      if (outcome.ok) {
        expect([outcome.body.readFloatLE(0), outcome.body.readFloatLE(4)]).toEqual([10, 26])
        expect(outcome.computeUs).toBeGreaterThanOrEqual(0)
      }
    })

    test('gives each caller its own answer, many at a time', async () => {
      const { upstream } = await world()
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const outcome = await ask(upstream, [index, 0, 0, 1])
          return outcome.ok ? outcome.body.readFloatLE(0) : outcome.code
        }),
      )
      expect(answers).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
    })

    test('settles never before infer returns, and once', async () => {
      const { upstream, other } = await world()
      other.hold()
      let settled = 0
      const id = upstream.infer(request([1, 2, 3, 4]), () => settled++)
      expect(settled).toBe(0)
      await until(() => other.seen() === 1)
      upstream.cancel(id)
      await until(() => settled === 1)
      other.release()
      upstream.cancel(id)
      await other.vanish()
      await sleep(30)
      expect(settled).toBe(1)
    })

    test('a cancelled request settles as cancelled, and the other side is told', async () => {
      const { upstream, other } = await world()
      other.hold()
      const outcome = new Promise<UpstreamOutcome>((resolve) => {
        const id = upstream.infer(request([1, 2, 3, 4]), resolve)
        void until(() => other.seen() === 1).then(() => upstream.cancel(id))
      })
      expect(await outcome).toMatchObject({ ok: false, code: 'cancelled' })
      await until(() => other.cancelled() === 1)
    })

    test('a deadline settles, though the other side says nothing', async () => {
      const { upstream, other } = await world()
      other.hold()
      expect(await ask(upstream, [1, 2, 3, 4], 40)).toMatchObject({ ok: false, code: 'deadline_exceeded' })
    })

    test('a failing model is model_failed, and the next request is answered', async () => {
      const { upstream, other } = await world()
      other.failNext()
      expect(await ask(upstream, [1, 2, 3, 4])).toMatchObject({ ok: false, code: 'model_failed' })
      expect(await ask(upstream, [1, 2, 3, 4])).toMatchObject({ ok: true })
    })

    test('the other side vanishes: what is in flight is lost, what comes next unready, then it is there again', async () => {
      const { upstream, other } = await world()
      other.hold()
      const lost = ask(upstream, [1, 2, 3, 4])
      await until(() => other.seen() === 1)
      await other.vanish()
      expect(await lost).toMatchObject({ ok: false, code: 'replica_lost' })
      expect(['replica_unready', 'replica_lost']).toContain(codeOf(await ask(upstream, [1, 2, 3, 4])))
      await other.comeBack()
      await until(async () => (await ask(upstream, [1, 2, 3, 4])).ok)
    })

    test('close takes nothing new and waits for what is in flight', async () => {
      const { upstream, other } = await world()
      other.hold()
      const last = ask(upstream, [1, 2, 3, 4])
      await until(() => other.seen() === 1)
      let closed = false
      const closing = upstream.close().then(() => {
        closed = true
      })
      expect([upstream.isReady, codeOf(await ask(upstream, [1, 2, 3, 4])), closed]).toEqual([
        false,
        'replica_unready',
        false,
      ])
      other.release()
      expect(await last).toMatchObject({ ok: true })
      await closing
      await upstream.close()
      await upstream.whenReady()
    })
  })
}

function ask(upstream: Upstream, values: number[], deadlineMs = 5000): Promise<UpstreamOutcome> {
  return new Promise((resolve) => {
    upstream.infer(request(values, deadlineMs), (outcome) =>
      resolve(outcome.ok ? { ...outcome, body: Buffer.from(outcome.body) } : outcome),
    )
  })
}

function request(values: number[], deadlineMs = 5000) {
  return { rows: values.length / 4, body: Buffer.from(new Float32Array(values).buffer), deadlineMs }
}

function codeOf(outcome: UpstreamOutcome): string {
  return outcome.ok ? 'ok' : outcome.code
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 5000
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`not so within 5 s: ${String(holds)}`)
    await sleep(2)
  }
}
