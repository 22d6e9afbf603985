import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChangeEventType } from '../../src/contracts/index.ts'
import { launch, openPage, type Seen, type View } from './browser.ts'
import { buildPages } from './build.ts'
import { STORIES } from './fixture/names.ts'
import { type Dashboard, serveDashboard } from './fixture/serve.ts'
import { faultsOf, outlineOfFocus, shiftsSince, watchShifts, weakTexts, wideParts } from './inspect.ts'

/** The built pages in a real browser, on the real API and an embedded store. */

let browser: Browser
let dashboard: Dashboard

beforeAll(async () => {
  buildPages()
  dashboard = await serveDashboard()
  browser = await launch()
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await dashboard?.close()
})

const PAGES: readonly [path: string, heading: RegExp, ...texts: string[]][] = [
  ['/', /^All is well; .*on the way\.$/, 'spam_filter', 'v1 75 %, v2 25 %', 'c-7f3a canary 25 %'],
  ['/models', /^2 models/, 'digits', 'c-b44d checking'],
  [
    '/models/spam_filter',
    /^spam_filter: \d+ requests a second, 0\.\d % failed, p99 \d/,
    'Who answers?',
    '2 of 2',
    'Which versions are there?',
    '502 model_failed',
  ],
  ['/changes', /^3 changes are on the way\.$/, 'Reject: ', 'Rolled back to v1: '],
  [
    `/changes/${STORIES.canary}`,
    /^Adopt: more accurate by \d\.\d points; nothing else got worse/,
    'canary 25 % · on track',
    'superior',
    'not measured',
    'Is v2 failing right now?',
    'more requests on v2',
    'Answers that changed',
    'judge: promoted to 25 %',
  ],
  [`/changes/${STORIES.canary}#accuracy`, /^Adopt/, 'Does it hold in every part of the data?', 'label=spam'],
  [`/changes/${STORIES.canary}#stability`, /^Adopt/, 'Which noise changes an answer?', 'typos'],
  [
    `/changes/${STORIES.canary}#latency`,
    /^Adopt/,
    'Does every pair tell the same story?',
    'How much do both carry before they slow down?',
    'p99.9',
    'raw blocks',
  ],
  [`/changes/${STORIES.canary}#cost`, /^Adopt/, 'Does every pair cost the same?'],
  [`/changes/${STORIES.rolledBack}`, /^Rolled back to v1: /, 'Did v1-memo ', 'v1 answers everything again.'],
  [`/changes/${STORIES.blocked}`, /^Reject: \d\.\d points less accurate/, 'blocked', 'inferior'],
  [
    `/changes/${STORIES.checking}`,
    /^Measuring v1-int8 against v1: accuracy, 1,240 of 1,797 items\.$/,
    '21 s left',
  ],
  [`/changes/${STORIES.signOff}`, /^Adopt: /, 'A person has to sign', 'sha256:'],
  ['/incidents', /^No incident is open\.$/, 'v1-memo was rolled back', 'What changed before', 'model_failed'],
  ['/no-such-page', /^There is no page here\.$/],
]

describe.each<View>([
  { scheme: 'light', width: 1360 },
  { scheme: 'dark', width: 1360 },
  { scheme: 'light', width: 360 },
  // 1360 pixels at 200 % zoom.
  { scheme: 'dark', width: 680 },
])('$scheme, $width pixels wide', (view) => {
  let seen: Seen
  beforeAll(async () => {
    seen = await openPage(browser, view)
    await seen.page.goto(await dashboard.signInAt('/'))
  })
  afterAll(() => seen?.page.context().close())

  test.each(PAGES)('%s is whole, quiet, readable and fits', async (path, heading, ...texts) => {
    const { page, troubles } = seen
    await visit(page, path)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    for (const text of texts) await page.getByText(text).filter({ visible: true }).first().waitFor()
    expect(await faultsOf(page)).toEqual([])
    expect(await weakTexts(page)).toEqual([])
    expect(await wideParts(page)).toEqual([])
    expect(troubles).toEqual([])
  })
})

describe('with the keyboard alone', () => {
  let seen: Seen
  beforeAll(async () => {
    seen = await openPage(browser, { scheme: 'light', width: 1360 })
    await seen.page.goto(await dashboard.signInAt('/'))
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
    await seen.page.waitForURL(`${dashboard.url}${path}`)
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
    await visit(page, `/changes/${STORIES.canary}`)
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
    await visit(page, `/changes/${STORIES.canary}`)
    const chart = page.getByRole('slider', { name: 'Is v2 failing right now?' })
    await chart.focus()
    const newest = await chart.getAttribute('aria-valuetext')
    await page.keyboard.press('Home')
    expect(await chart.getAttribute('aria-valuetext')).not.toBe(newest)
    expect(await chart.getAttribute('aria-valuetext')).toMatch(/1 % · v2 .* %, v1 .* % of .* requests/)
  })

  test('the focus can be seen', async () => {
    const { page } = seen
    await visit(page, '/')
    await page.getByText('c-7f3a canary').waitFor()
    for (let tab = 0; tab < 12; tab++) {
      await page.keyboard.press('Tab')
      expect(await outlineOfFocus(page)).not.toMatch(/none|^\S+ 0px/)
    }
  })
})

describe('evidence at hand', () => {
  test('flips can be filtered, a chart copied, and the way to verify is told', async () => {
    const { page, troubles, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(await dashboard.signInAt(`/changes/${STORIES.canary}`))
    await page.getByText(/^\d+ broken$/).click()
    const flips = page.locator('.flip')
    for (const flip of await flips.all())
      expect(await flip.textContent()).toMatch(/v1 \w+ ✓, right.*v2 \w+ ✗, wrong/)
    await page
      .getByRole('region', { name: 'What the evidence supports' })
      .getByText('copy CSV')
      .first()
      .click()
    await page.getByText('copied').waitFor()
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(copied.split('\r\n')).toHaveLength(6)
    expect(copied).toMatch(/^axis,measure,unit,.*\r\naccuracy,right answers,pp,higher,0\.\d+/)
    await page.getByRole('button', { name: 'verify offline…' }).click()
    await page.getByText('slipway verify bundle.json').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  test('it prints without what only a screen can use', async () => {
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(await dashboard.signInAt(`/changes/${STORIES.canary}`))
    const verdict = page.getByRole('cell', { name: 'superior', exact: true })
    await verdict.waitFor()
    await page.emulateMedia({ media: 'print' })
    expect(await page.getByRole('navigation').isVisible()).toBe(false)
    expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false)
    expect(await verdict.isVisible()).toBe(true)
    await context.close()
  })
})

describe('without a session, without data', () => {
  test('nobody signed in is told how, and sees nothing else', async () => {
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(`${dashboard.url}/changes/${STORIES.canary}`)
    await page.getByRole('heading', { level: 1, name: 'You are not signed in here.' }).waitFor()
    await page.getByText(`slipway open /changes/${STORIES.canary}`).waitFor()
    expect(await page.textContent('body')).not.toMatch(/spam_filter|Adopt/)
    await context.close()
  })

  test('an empty Slipway teaches the next command on every page', async () => {
    const empty = await serveDashboard({ isEmpty: true })
    const { page, troubles, context } = await openPage(browser, { scheme: 'dark', width: 1360 })
    await page.goto(await empty.signInAt('/'))
    await page.getByText('Nothing is served yet.').waitFor()
    await page.getByText('slipway up').waitFor()
    for (const [path, command] of [
      ['/changes', 'slipway change run samples/spam/change.yaml'],
      ['/incidents', 'slipway change run samples/slow-burn/change.yaml'],
      ['/models', 'slipway up'],
    ] as const) {
      await page.goto(`${empty.url}${path}`)
      await page.getByText(command, { exact: true }).waitFor()
    }
    expect(troubles).toEqual([])
    await context.close()
    await empty.close()
  })

  test('what does not exist is said in the words of the API', async () => {
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(await dashboard.signInAt('/changes/c-0000'))
    await page.getByRole('alert').getByText('c-0000').waitFor()
    await context.close()
  })
})

/** These move the fixture on, so they come last. */
describe('live', () => {
  let seen: Seen
  beforeAll(async () => {
    seen = await openPage(browser, { scheme: 'light', width: 1360 })
    await seen.page.goto(await dashboard.signInAt(`/changes/${STORIES.canary}`))
    await seen.page.getByText('canary 25 % · on track').waitFor()
    await quiet(seen.page)
    await markLoaded(seen.page)
  })
  afterAll(() => seen?.page.context().close())

  test('a look of the judge arrives by itself, and nothing on the page jumps', async () => {
    const { page, troubles } = seen
    await watchShifts(page)
    const looks = await dashboard.store.rollouts.looks('r-7f3a')
    const last = looks.at(-1)!
    for (let more = 1; more <= 3; more++)
      await dashboard.store.rollouts.putLook(
        { ...last, sequence: last.sequence + more, at: last.at + more * 1000, needsRequests: 31_337 - more },
        {},
      )
    await page.getByText('≈ 31,334 more requests on v2').waitFor()
    expect(await shiftsSince(page)).toEqual([])
    expect(await isStillLoaded(page)).toBe(true)
    expect(troubles).toEqual([])
  })

  test('a promotion moves the chip, the steps and the log', async () => {
    const { page } = seen
    await dashboard.store.rollouts.update('r-7f3a', { step: 3, stepStartedAt: Date.now() })
    await append(STORIES.canary, 'step-promoted', { step: 3, sharePercent: 50 })
    await page.getByText('canary 50 % · on track').waitFor()
    await page.getByText('judge: promoted to 50 %').waitFor()
    await page.getByRole('img', { name: /25 % done, 50 % running/ }).waitFor()
    expect(await isStillLoaded(page)).toBe(true)
  })

  test('evidence that comes in fills its row', async () => {
    const { page } = seen
    await visit(page, `/changes/${STORIES.checking}`)
    await page.getByText('measuring', { exact: true }).waitFor()
    await quiet(page)
    await markLoaded(page)
    const [accuracy] = (await dashboard.store.evidence.list(STORIES.canary)).filter(
      ({ check }) => check === 'accuracy',
    )
    await dashboard.store.evidence.put({
      ...accuracy!,
      change: STORIES.checking,
      hash: `sha256:${'ab'.repeat(32)}`,
    })
    await page.getByRole('row', { name: /Accuracy.*superior/ }).waitFor()
    expect(await isStillLoaded(page)).toBe(true)
  })

  test('traffic moves the figures on the home page', async () => {
    const { page } = seen
    await visit(page, '/')
    const rate = page
      .getByRole('row', { name: /digits/ })
      .locator('td.number')
      .first()
    await expect.poll(() => rate.textContent()).toMatch(/^\d+/)
    await quiet(page)
    await markLoaded(page)
    const now = Math.floor(Date.now() / 1000) * 1000
    await dashboard.store.windows.merge(
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
    await visit(page, `/changes/${STORIES.canary}`)
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
    await visit(page, `/changes/${STORIES.signOff}`)
    const { verdict } = await dashboard.store.changes.get(STORIES.signOff)
    await page.getByRole('button', { name: 'Sign…' }).click()
    await page.getByRole('dialog').getByText(verdict!.evidenceHash).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign' }).click()
    await page.getByText('mira: signed the evidence').waitFor()
    expect((await dashboard.store.changes.events(STORIES.signOff)).at(-1)?.data.evidenceHash).toBe(
      verdict!.evidenceHash,
    )
  })

  test('a stream that breaks is told, taken up again, and what was missed is caught up with', async () => {
    const { page, context } = await openPage(browser, { scheme: 'light', width: 1360 })
    await page.goto(await dashboard.signInAt(`/changes/${STORIES.canary}`))
    await page.getByText('live', { exact: true }).waitFor()
    await markLoaded(page)
    const lost = page.getByText('connection lost, trying again').waitFor()
    dashboard.breakConnections()
    await append(STORIES.canary, 'sign-off-given', { note: 'written while nobody listened' })
    await lost
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByText('judge: signed the evidence: written while nobody listened').waitFor()
    expect(await isStillLoaded(page)).toBe(true)
    await context.close()
  })
})

/** Until nothing is read any more: what comes after it came because of an event. */
async function quiet(page: Page): Promise<void> {
  const forMs = 3500
  let last = performance.now()
  const note = () => {
    last = performance.now()
  }
  page.on('request', note)
  while (performance.now() - last < forMs) await page.waitForTimeout(100)
  page.off('request', note)
}

/** Also when only the fragment differs, the page is read anew. */
async function visit(page: Page, path: string): Promise<void> {
  await page.goto('about:blank')
  await page.goto(`${dashboard.url}${path}`)
}

function markLoaded(page: Page): Promise<void> {
  return page.evaluate('void (globalThis.isStillLoaded = true)')
}

function isStillLoaded(page: Page): Promise<boolean> {
  return page.evaluate("'isStillLoaded' in globalThis")
}

async function append(id: string, type: ChangeEventType, data: Record<string, unknown>): Promise<void> {
  const sequence = (await dashboard.store.changes.events(id)).at(-1)!.sequence
  await dashboard.store.changes.append(id, sequence, { at: Date.now(), actor: 'judge', type, data }, {})
}
