import { describe, expect, test } from 'vitest'
import { openPage } from './browser.ts'
import { STORIES } from './fixture/names.ts'
import { type Opened, quiet } from './opened.ts'

const LOOKS = 5000

/** A canary of an hour and a half: what the page reads must not grow with it. */
export function describeLongCanary(opened: () => Opened): void {
  describe('a canary with 5,000 looks', () => {
    test('is read in small pages, then look by look, and drawn with as many points as can be seen', async () => {
      const { browser, dashboard } = opened()
      const { rollouts } = dashboard.store
      const last = (await rollouts.looks('r-7f3a')).at(-1)!
      const put = (sequence: number) =>
        rollouts.putLook({ ...last, sequence, at: last.at + (sequence - last.sequence) * 1000 }, {})
      for (let sequence = last.sequence + 1; sequence < LOOKS; sequence++) await put(sequence)

      const { page, troubles, context } = await openPage(browser, { scheme: 'light', width: 1360 })
      const read: { since: number; sequences: number[] }[] = []
      const sequences = () => read.flatMap((one) => one.sequences)
      page.on('response', async (response) => {
        const { pathname, searchParams } = new URL(response.url())
        if (!pathname.endsWith('/rollout')) return
        const { looks } = (await response.json()) as { looks: { sequence: number }[] }
        read.push({
          since: Number(searchParams.get('since')),
          sequences: looks.map(({ sequence }) => sequence),
        })
      })
      await page.goto(await dashboard.signInAt(`/changes/${STORIES.canary}`))
      await page.getByRole('slider', { name: /v2/ }).waitFor()
      await quiet(page)
      expect(Math.max(...read.map((one) => one.sequences.length))).toBe(500)
      expect(sequences()).toEqual(Array.from({ length: LOOKS }, (_, sequence) => sequence))

      const drawn = await page.locator('.arm-candidate').first().getAttribute('d')
      read.length = 0
      for (let more = 0; more < 3; more++) {
        await put(LOOKS + more)
        await expect.poll(sequences, { timeout: 15_000 }).toContain(LOOKS + more)
        // The page answers while looks come in.
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys' }).waitFor()
        await page.keyboard.press('Escape')
      }
      await quiet(page)
      expect(sequences()).toEqual([LOOKS, LOOKS + 1, LOOKS + 2])
      expect(read.every(({ since }) => since >= LOOKS - 1)).toBe(true)
      const line = await page.locator('.arm-candidate').first().getAttribute('d')
      expect(line).not.toBe(drawn)
      expect(line!.split(/[ML]/).length).toBeLessThanOrEqual(402)
      expect(troubles).toEqual([])
      await context.close()
    }, 120_000)
  })
}
