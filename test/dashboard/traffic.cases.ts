import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openPage, type Seen } from './browser.ts'
import { HOUR, MODEL } from './fixture/names.ts'
import { faultsOf, weakTexts, wideParts } from './inspect.ts'
import { type Opened, visit } from './opened.ts'

const HANDLE = 'Traffic between v1 and v2'

/** The page of a model: its traffic can be moved, and what was live at a time is told. */
export function describeTraffic(opened: () => Opened): void {
  const { set, sharesNow } = trafficOf(opened)
  let seen: Seen

  describe('the traffic of a model', () => {
    beforeAll(async () => {
      seen = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await seen.page.goto(await opened().dashboard.signInAt(`/models/${MODEL}`))
    })
    afterAll(() => seen?.page.context().close())
    beforeEach(async () => {
      await set({ v1: 75, v2: 25 }, 'set by the test')
      await visit(opened(), seen.page, `/models/${MODEL}`)
      await handle(seen.page).waitFor()
    })

    test('arrow keys move it, the dialog says what will move, and the split is written', async () => {
      const { page, troubles } = seen
      await handle(page).focus()
      for (const key of ['Shift+ArrowLeft', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key)
      expect(await handle(page).getAttribute('aria-valuetext')).toBe('v1 63 %, v2 37 %')
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog', { name: `Move traffic of ${MODEL}?` })
      await dialog.getByText('12 % of units move from v1 to v2.').waitFor()
      expect(await faultsOf(page)).toEqual([])
      expect(await weakTexts(page)).toEqual([])
      expect(await sharesNow()).toEqual({ v1: 75, v2: 25 })
      await dialog.getByRole('button', { name: 'Move' }).click()
      await page.getByText('set by mira').first().waitFor()
      expect(await sharesNow()).toEqual({ v1: 63, v2: 37 })
      expect(troubles).toEqual([])
    })

    test('the pointer drags it; Undo, Escape and Cancel write nothing', async () => {
      const { page } = seen
      await drag(page, -0.2)
      await page.getByText(/^(19|20|21) % of units move from v1 to v2\.$/).waitFor()
      await page.getByRole('button', { name: 'Move traffic…' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('button', { name: 'Undo' }).click()
      expect(await handle(page).getAttribute('aria-valuetext')).toBe('v1 75 %, v2 25 %')
      await drag(page, -5)
      expect(await handle(page).getAttribute('aria-valuetext')).toBe('v1 0 %, v2 100 %')
      await handle(page).focus()
      await page.keyboard.press('Escape')
      expect(await handle(page).getAttribute('aria-valuetext')).toBe('v1 75 %, v2 25 %')
      expect(await sharesNow()).toEqual({ v1: 75, v2: 25 })
    })

    test('what somebody else wrote meanwhile is kept, and said', async () => {
      const { page } = seen
      await handle(page).focus()
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      await set({ v1: 60, v2: 40 }, 'set by noor')
      await dialog.getByRole('button', { name: 'Move' }).click()
      await dialog.getByRole('alert').getByText('changed since you read it').waitFor()
      await dialog.getByText(/Nothing was written. The split is now v1 60 %, v2 40 % .*set by noor/).waitFor()
      expect(await sharesNow()).toEqual({ v1: 60, v2: 40 })
      await dialog.getByRole('button', { name: 'Start from the new split' }).click()
      expect(await handle(page).getAttribute('aria-valuetext')).toBe('v1 60 %, v2 40 %')
      // The browser itself notes the refused write.
      expect(seen.troubles.splice(0).every((trouble) => trouble.includes('412'))).toBe(true)
    })

    test('a key without the scope sees the split and why it may not move it', async () => {
      const { dashboard, browser } = opened()
      const { page, context } = await openPage(browser, { scheme: 'dark', width: 1360 })
      await page.goto(await dashboard.signInAt(`/models/${MODEL}`, 'tam', ['read']))
      await page
        .getByText('Read only: moving traffic needs the scope deploy, and the key tam has read.')
        .waitFor()
      expect(await handle(page).count()).toBe(0)
      await page.getByRole('img', { name: 'v1 75 %, v2 25 %', exact: true }).waitFor()
      await context.close()
    })

    test('what was live at a time is asked by the address, the field, the list and the chart', async () => {
      const { page, troubles } = seen
      const at = new Date(Date.now() - 30 * HOUR)
      await visit(opened(), page, `/models/${MODEL}?at=${at.toISOString()}`)
      const held = page.getByRole('status').filter({ hasText: 'answered' })
      await held.getByText('v1 100 %').waitFor()
      expect(await held.textContent()).toMatch(/At .* v1 100 % answered: split 1, first version, written/)

      await page
        .getByLabel('What was live at')
        .fill(new Date(Date.now() - 50 * HOUR).toISOString().slice(0, 19))
      await page.getByText('no version answered').waitFor()
      expect(page.url()).toMatch(/\?at=\d{4}-\d\d-\d\dT/)

      await page.getByRole('button', { name: /older split/ }).click()
      await page
        .getByRole('row', { name: /rollout r-5e07: step 1/ })
        .getByRole('button')
        .click()
      await held.getByText('v1 99 %, v1-memo 1 %').waitFor()

      const chart = page.getByRole('slider', { name: 'Who answered when?' })
      await page.getByRole('group', { name: 'Span' }).getByText('all').click()
      await chart.focus()
      await page.keyboard.press('Home')
      expect(await chart.getAttribute('aria-valuetext')).toMatch(/v1 100 % for .* first version/)
      await page.keyboard.press('Enter')
      await held.getByText('v1 100 %').waitFor()
      expect(await faultsOf(page)).toEqual([])
      expect(await wideParts(page)).toEqual([])
      expect(troubles).toEqual([])
    })
  })
}

function trafficOf(opened: () => Opened) {
  return {
    set: (shares: Record<string, number>, reason: string) =>
      opened().dashboard.store.traffic.set(MODEL, { shares, slices: [], reason }),
    sharesNow: async () => (await opened().dashboard.store.traffic.get(MODEL))?.shares,
  }
}

function handle(page: Page) {
  return page.getByRole('slider', { name: HANDLE })
}

/** By a part of the bar's width. */
async function drag(page: Page, part: number): Promise<void> {
  const box = (await handle(page).boundingBox())!
  const bar = (await page.locator('.split').boundingBox())!
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + (part * bar.width) / 2, y, { steps: 4 })
  await page.mouse.move(x + part * bar.width, y, { steps: 4 })
  await page.mouse.up()
}
