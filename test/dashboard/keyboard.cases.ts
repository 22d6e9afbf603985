import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, type Seen } from './browser.ts'
import { STORIES } from './fixture/names.ts'
import { outlineOfFocus } from './inspect.ts'
import { type Opened, visit } from './opened.ts'

export function describeKeyboard(opened: () => Opened): void {
  describe('with the keyboard alone', () => {
    let seen: Seen
    beforeAll(async () => {
      seen = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await seen.page.goto(await opened().dashboard.signInAt('/'))
      await seen.page.getByText('c-7f3a canary').waitFor()
    })
    afterAll(() => seen?.page.context().close())

    test('/ goes to a change by a part of its id', async () => {
      await seen.page.keyboard.press('/')
      await seen.page.keyboard.type('7f3')
      await seen.page.getByRole('option', { name: /c-7f3a/ }).waitFor()
      await seen.page.keyboard.press('Enter')
      await seen.page.waitForURL('**/changes/c-7f3a')
    })

    test.each([
      ['m', '/models'],
      ['c', '/changes'],
      ['i', '/incidents'],
      ['h', '/'],
    ])('g %s goes to %s', async (key, path) => {
      await seen.page.keyboard.press('g')
      await seen.page.keyboard.press(key)
      await seen.page.waitForURL(`${opened().dashboard.url}${path}`)
    })

    test('? tells the keys, Escape closes, and keys typed into a field are text', async () => {
      const { page } = seen
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await page.keyboard.press('/')
      await page.keyboard.type('?gm')
      expect(await page.getByRole('combobox').first().inputValue()).toBe('?gm')
      expect(await page.getByRole('dialog').count()).toBe(0)
      await page.keyboard.press('Escape')
    })

    test('Enter on a row opens its evidence, and the address remembers it', async () => {
      const { page } = seen
      await visit(opened(), page, `/changes/${STORIES.canary}`)
      const opener = page.getByRole('button', { name: 'Latency' })
      await opener.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Does every pair tell the same story?' }).waitFor()
      expect(page.url()).toMatch(/#latency$/)
      expect(await opener.getAttribute('aria-expanded')).toBe('true')
      await page.keyboard.press('Enter')
      expect(await opener.getAttribute('aria-expanded')).toBe('false')
    })

    test('arrows read a chart value by value', async () => {
      const { page } = seen
      await visit(opened(), page, `/changes/${STORIES.canary}`)
      const chart = page.getByRole('slider', { name: 'Is v2 failing right now?' })
      await chart.focus()
      const newest = await chart.getAttribute('aria-valuetext')
      await page.keyboard.press('Home')
      expect(await chart.getAttribute('aria-valuetext')).not.toBe(newest)
      expect(await chart.getAttribute('aria-valuetext')).toMatch(/1 % · v2 .* %, v1 .* % of .* requests/)
    })

    test('the focus can be seen', async () => {
      const { page } = seen
      await visit(opened(), page, '/')
      await page.getByText('c-7f3a canary').waitFor()
      for (let tab = 0; tab < 12; tab++) {
        await page.keyboard.press('Tab')
        expect(await outlineOfFocus(page)).not.toMatch(/none|^\S+ 0px/)
      }
    })
  })
}
