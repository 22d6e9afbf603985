import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, type Seen } from './browser.ts'
import { STORIES } from './fixture/names.ts'
import { shiftsSince, watchShifts } from './inspect.ts'
import { append, isStillLoaded, markLoaded, type Opened, quiet, visit } from './opened.ts'

/** These move the fixture on, so they come last. */
export function describeLive(opened: () => Opened): void {
  describe('live', () => {
    let seen: Seen
    beforeAll(async () => {
      seen = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await seen.page.goto(await opened().dashboard.signInAt(`/changes/${STORIES.canary}`))
      await seen.page.getByText('canary 25 % · on track').waitFor()
      await quiet(seen.page)
      await markLoaded(seen.page)
    })
    afterAll(() => seen?.page.context().close())

    test('a look of the judge arrives by itself, and nothing on the page jumps', async () => {
      const { page, troubles } = seen
      await watchShifts(page)
      const looks = await opened().dashboard.store.rollouts.looks('r-7f3a')
      const last = looks.at(-1)!
      for (let more = 1; more <= 3; more++)
        await opened().dashboard.store.rollouts.putLook(
          {
            ...last,
            sequence: last.sequence + more,
            at: last.at + more * 1000,
            needsRequests: 31_337 - more,
          },
          {},
        )
      await page.getByText('≈ 31,334 more requests on v2').waitFor()
      expect(await shiftsSince(page)).toEqual([])
      expect(await isStillLoaded(page)).toBe(true)
      expect(troubles).toEqual([])
    })

    test('a promotion moves the chip, the steps and the log', async () => {
      const { page } = seen
      await opened().dashboard.store.rollouts.update('r-7f3a', { step: 3, stepStartedAt: Date.now() })
      await append(opened(), STORIES.canary, 'step-promoted', { step: 3, sharePercent: 50 })
      await page.getByText('canary 50 % · on track').waitFor()
      await page.getByText('judge: promoted to 50 %').waitFor()
      await page.getByRole('img', { name: /25 % done, 50 % running/ }).waitFor()
      expect(await isStillLoaded(page)).toBe(true)
    })

    test('evidence that comes in fills its row', async () => {
      const { page } = seen
      await visit(opened(), page, `/changes/${STORIES.checking}`)
      await page.getByText('measuring', { exact: true }).waitFor()
      await quiet(page)
      await markLoaded(page)
      const [accuracy] = (await opened().dashboard.store.evidence.list(STORIES.canary)).filter(
        ({ check }) => check === 'accuracy',
      )
      await opened().dashboard.store.evidence.put({
        ...accuracy!,
        change: STORIES.checking,
        hash: `sha256:${'ab'.repeat(32)}`,
      })
      await page.getByRole('row', { name: /Accuracy.*superior/ }).waitFor()
      expect(await isStillLoaded(page)).toBe(true)
    })

    test('traffic moves the figures on the home page', async () => {
      const { page } = seen
      await visit(opened(), page, '/')
      const rate = page
        .getByRole('row', { name: /digits/ })
        .locator('td.number')
        .first()
      await expect.poll(() => rate.textContent()).toMatch(/^\d+/)
      await quiet(page)
      await markLoaded(page)
      const now = Math.floor(Date.now() / 1000) * 1000
      await opened().dashboard.store.windows.merge(
        Array.from({ length: 40 }, (_, back) => ({
          model: 'digits',
          version: 'v1',
          startMs: now - (back + 3) * 1000,
          sizeMs: 1000,
          requests: 5000,
          errors: 0,
          timeouts: 0,
          refusals: 0,
          rows: 5000,
          computeMs: 0,
          latency: { 90: 5000 },
        })),
      )
      await expect.poll(() => rate.textContent(), { timeout: 15_000 }).toMatch(/^\d,\d\d\d$/)
      expect(await isStillLoaded(page)).toBe(true)
    })

    test('a person holds the canary and lets it go on', async () => {
      const { page, troubles } = seen
      await visit(opened(), page, `/changes/${STORIES.canary}`)
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByText('canary 50 % · paused').waitFor()
      await page.getByText('mira: paused').waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByText('canary 50 % · on track').waitFor()
      expect(troubles).toEqual([])
    })

    test('going back asks why, says what will move, and does it', async () => {
      const { page } = seen
      await page.getByRole('button', { name: 'Roll back…' }).click()
      const dialog = page.getByRole('dialog', { name: 'Roll back to v1?' })
      await dialog.getByText('the 50 % of requests on v2').waitFor()
      await dialog.getByRole('button', { name: 'Roll back' }).click()
      // Without a reason the form stays.
      expect(await dialog.isVisible()).toBe(true)
      await dialog.getByLabel('Why?').fill('customers complain')
      await dialog.getByRole('button', { name: 'Roll back' }).click()
      await page.getByRole('heading', { level: 1, name: 'Rolled back to v1: customers complain.' }).waitFor()
      await page.getByText('mira: rolled back: customers complain').waitFor()
    })

    test('a signature names the hash that it is bound to', async () => {
      const { page } = seen
      await visit(opened(), page, `/changes/${STORIES.signOff}`)
      const { verdict } = await opened().dashboard.store.changes.get(STORIES.signOff)
      await page.getByRole('button', { name: 'Sign…' }).click()
      await page.getByRole('dialog').getByText(verdict!.evidenceHash).waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Sign' }).click()
      await page.getByText('mira: signed the evidence').waitFor()
      expect((await opened().dashboard.store.changes.events(STORIES.signOff)).at(-1)?.data.evidenceHash).toBe(
        verdict!.evidenceHash,
      )
    })

    test('a stream that breaks is told, taken up again, and what was missed is caught up with', async () => {
      const { page, context } = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await page.goto(await opened().dashboard.signInAt(`/changes/${STORIES.canary}`))
      await page.getByText('live', { exact: true }).waitFor()
      await markLoaded(page)
      const lost = page.getByText('connection lost, trying again').waitFor()
      opened().dashboard.breakConnections()
      await append(opened(), STORIES.canary, 'sign-off-given', { note: 'written while nobody listened' })
      await lost
      await page.getByText('live', { exact: true }).waitFor()
      await page.getByText('judge: signed the evidence: written while nobody listened').waitFor()
      expect(await isStillLoaded(page)).toBe(true)
      await context.close()
    })

    test('a waiver whose time is over stands at the top of the home page', async () => {
      const { page, troubles } = seen
      const { store } = opened().dashboard
      const sequence = (await store.changes.events(STORIES.blocked)).at(-1)!.sequence
      const data = { until: Date.now() - 3_600_000, why: 'the fix ships on Monday', checks: ['accuracy'] }
      const event = { at: Date.now(), actor: 'mira', type: 'change-waived', data } as const
      await store.changes.append(STORIES.blocked, sequence, event, { state: 'waived' })
      // What was cut on purpose before is no trouble of this page.
      troubles.length = 0
      await visit(opened(), page, '/')
      await page.getByText(/^A waiver is overdue: .* went on without accuracy\.$/).waitFor()
      await page.getByText('the fix ships on Monday').waitFor()
      expect(troubles).toEqual([])
    })
  })
}
