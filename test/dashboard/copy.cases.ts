import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { openPage } from './browser.ts'
import { MODEL, STORIES } from './fixture/names.ts'
import { faultsOf, wideParts } from './inspect.ts'
import type { Opened } from './opened.ts'

/** Where it stands, its title, and the columns of its table. */
const CHARTS = [
  [
    `/changes/${STORIES.canary}`,
    'What the evidence supports',
    'axis,measure,unit,better,estimate,lower,upper,confidence,margin,verdict,from',
  ],
  [
    `/changes/${STORIES.canary}`,
    'Is v2 failing right now?',
    'at,share_percent,champion_requests,champion_events,candidate_requests,candidate_events,difference,lower,upper,margin,decision',
  ],
  [
    `/changes/${STORIES.canary}`,
    'How far is it, and what is still needed?',
    'share_percent,state,candidate_requests',
  ],
  [`/changes/${STORIES.canary}#latency`, 'Does every pair tell the same story?', 'pair,ratio'],
  [
    `/changes/${STORIES.canary}#latency`,
    'How much do both carry before they slow down?',
    'version,callers,requests,good_per_second,p50_ms,p95_ms',
  ],
  [
    `/changes/${STORIES.canary}#latency`,
    'How fast are most answers, and how slow the last ones?',
    'share,champion_ms,candidate_ms',
  ],
  [`/changes/${STORIES.canary}#cost`, 'Does every pair cost the same?', 'pair,ratio'],
  [`/models/${MODEL}`, 'How much traffic does each version answer?', 'at,version,requests_per_second,failed'],
  [`/models/${MODEL}`, 'How long do answers take?', 'version,up_to_ms,requests'],
  [`/models/${MODEL}`, 'Who answered when?', 'revision,at,version,percent,reason'],
] as const

interface Picture {
  readonly width: number
  readonly corner: readonly number[]
  readonly colours: number
  readonly blue: number
}

async function copyFrom(page: Page, title: string, form: 'PNG' | 'CSV', done = 'copied'): Promise<void> {
  const opener = page.getByRole('button', { name: `: ${title}` })
  await opener.click()
  await page.getByRole('menuitem', { name: form }).click()
  const says = `${form === 'PNG' ? 'picture' : 'table'} ${done}`
  await page.getByRole('button', { name: `${says}: ${title}` }).waitFor()
}

export function describeCopy(opened: () => Opened): void {
  describe.each(['light', 'dark'] as const)('charts taken along from %s pages', (scheme) => {
    test.each(CHARTS)('%s: %s as picture and table', async (path, title, columns) => {
      const { browser, dashboard } = opened()
      const { page, troubles, context } = await openPage(browser, { scheme, width: 1360 })
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.goto(await dashboard.signInAt(path))
      await copyFrom(page, title, 'PNG')
      const picture = await page.evaluate<Picture>('inspection.copiedPicture()')
      // Twice the size on the page, on the ground of the page, with more than the ground on it.
      expect(picture.width).toBeGreaterThan(600)
      expect(picture.corner).toEqual(scheme === 'light' ? [255, 255, 255, 255] : [24, 25, 28, 255])
      expect(picture.colours).toBeGreaterThan(20)
      expect(picture.blue).toBeGreaterThan(50)
      await copyFrom(page, title, 'CSV')
      const [header, ...rows] = (await page.evaluate<string>('navigator.clipboard.readText()')).split('\r\n')
      expect(header).toBe(columns)
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.every((row) => row.split(',').length >= columns.split(',').length)).toBe(true)
      expect(troubles).toEqual([])
      await context.close()
    })
  })

  test.each([
    ['/', 'Requests of spam_filter, last 15 minutes', /^\d\d:\d\d:\d\d · v1 [\d.]+\/s, v2 [\d.]+\/s$/],
    [`/models/${MODEL}`, 'How long do answers take?', /^[\d.]+ ms to [\d.]+ ms · v1 [\d.]+ %, v2 [\d.]+ %$/],
    [`/models/${MODEL}`, 'Who answered when?', /UTC.* · v1 \d+ %/],
    [`/changes/${STORIES.canary}`, 'Is v2 failing right now?', /1 % · v2 [\d.]+ %, v1 [\d.]+ % of/],
  ])('on %s, a pointer over “%s” reads a value', async (path, name, reading) => {
    const { browser, dashboard } = opened()
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(await dashboard.signInAt(path))
    const drawing = page.getByRole('img', { name })
    await drawing.scrollIntoViewIfNeeded()
    const { x, y, width, height } = (await drawing.boundingBox())!
    await page.mouse.move(x + width * 0.4, y + height / 2)
    await page.locator('.reading, .spark-reading').filter({ hasText: reading }).first().waitFor()
    await context.close()
  })

  test('where the browser gives no clipboard, the chart is saved as a file', async () => {
    const { browser, dashboard } = opened()
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.addInitScript('delete Navigator.prototype.clipboard')
    await page.goto(await dashboard.signInAt(`/models/${MODEL}`))
    for (const [form, name] of [
      ['PNG', 'how-long-do-answers-take.png'],
      ['CSV', 'how-long-do-answers-take.csv'],
    ] as const) {
      const saved = page.waitForEvent('download')
      await copyFrom(page, 'How long do answers take?', form, 'saved')
      expect((await saved).suggestedFilename()).toBe(name)
    }
    await context.close()
  })

  test('the menu is worked with the keyboard, and goes away by itself', async () => {
    const { browser, dashboard } = opened()
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(await dashboard.signInAt(`/models/${MODEL}`))
    const opener = page.getByRole('button', { name: 'copy: How long do answers take?' })
    const focused = () => page.evaluate<string>('document.activeElement.textContent')
    await opener.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menu').waitFor()
    expect(await focused()).toBe('Copy as picture (PNG)')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Copy as table (CSV)')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Copy as picture (PNG)')
    expect(await faultsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    expect(await page.getByRole('menu').count()).toBe(0)
    expect(await focused()).toMatch(/^copy/)
    await opener.click()
    await page.getByRole('heading', { level: 1 }).click()
    await page.getByRole('menu').waitFor({ state: 'detached' })
    await context.close()
  })

  describe('evidence at hand', () => {
    test('flips can be filtered, a chart copied, and the way to verify is told', async () => {
      const { page, troubles, context } = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.goto(await opened().dashboard.signInAt(`/changes/${STORIES.canary}`))
      await page.getByText(/^\d+ broken$/).click()
      const flips = page.locator('.flip')
      for (const flip of await flips.all())
        expect(await flip.textContent()).toMatch(/v1 \w+ ✓, right.*v2 \w+ ✗, wrong/)
      await copyFrom(page, 'What the evidence supports', 'CSV')
      const copied = await page.evaluate<string>('navigator.clipboard.readText()')
      expect(copied.split('\r\n')).toHaveLength(6)
      expect(copied).toMatch(/^axis,measure,unit,.*\r\naccuracy,right answers,pp,higher,0\.\d+/)
      await page.getByRole('button', { name: 'verify offline…' }).click()
      await page.getByText('slipway verify bundle.json').waitFor()
      expect(troubles).toEqual([])
      await context.close()
    })

    test('it prints without what only a screen can use', async () => {
      const { page, context } = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await page.goto(await opened().dashboard.signInAt(`/changes/${STORIES.canary}`))
      const verdict = page.getByRole('cell', { name: 'superior', exact: true })
      await verdict.waitFor()
      await page.emulateMedia({ media: 'print' })
      expect(await page.getByRole('navigation').isVisible()).toBe(false)
      expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false)
      expect(await verdict.isVisible()).toBe(true)
      await context.close()
    })

    test('a chart that was measured on a wide screen fits the paper', async () => {
      const { browser, dashboard } = opened()
      const { page, context } = await openPage(browser, { scheme: 'dark', width: 1360 })
      // Printing lays the page out anew without telling it.
      await page.addInitScript('ResizeObserver = class { observe() {} disconnect() {} }')
      for (const path of [`/changes/${STORIES.canary}#latency`, `/models/${MODEL}`]) {
        await page.setViewportSize({ width: 1360, height: 1000 })
        await page.goto(await dashboard.signInAt(path))
        await page.locator('.plot svg').first().waitFor()
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
        await page.setViewportSize({ width: 700, height: 1000 })
        expect(await wideParts(page)).toEqual([])
        expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
          'rgb(251, 251, 250)',
        )
        await page.emulateMedia({ media: 'screen' })
      }
      await context.close()
    })
  })
}
