import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, type Seen, type View } from './browser.ts'
import { STORIES } from './fixture/names.ts'
import { serveDashboard } from './fixture/serve.ts'
import { faultsOf, weakTexts, wideParts } from './inspect.ts'
import { type Opened, visit } from './opened.ts'

const PAGES: readonly [path: string, heading: RegExp, ...texts: (string | RegExp)[]][] = [
  ['/', /^All is well; .*on the way\.$/, 'spam_filter', 'v1 75 %, v2 25 %', 'c-7f3a canary 25 %'],
  ['/models', /^3 models/, 'digits', 'c-b44d checking'],
  [
    '/models/spam_filter',
    /^spam_filter: \d+ requests a second, 0\.\d % failed, p99 \d/,
    'Who answers?',
    '2 of 2',
    'Which versions are there?',
    '502 model_failed',
  ],
  [
    '/models/support_chat',
    /^support_chat: no traffic in the last minute/,
    'What was asked, and what did it cost?',
    /unknown for \d+ requests/,
    'p95 ',
    'circuit open',
    '8,120 of 10,000 requests',
    'lesser answers this month',
    'shadow',
    'Our replicas',
    '41 % of 2,048',
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
  [
    '/incidents',
    /^No incident is open\.$/,
    'v1-memo was rolled back',
    'What changed before',
    'model_failed',
    'Where is my parcel?',
  ],
  ['/no-such-page', /^There is no page here\.$/],
]

export function describePages(opened: () => Opened): void {
  describe.each<View>([
    { scheme: 'light', width: 1360 },
    { scheme: 'dark', width: 1360 },
    { scheme: 'light', width: 360 },
    // 1360 pixels at 200 % zoom.
    { scheme: 'dark', width: 680 },
  ])('$scheme, $width pixels wide', (view) => {
    let seen: Seen
    beforeAll(async () => {
      seen = await openPage(opened().browser, view)
      await seen.page.goto(await opened().dashboard.signInAt('/'))
    })
    afterAll(() => seen?.page.context().close())

    test.each(PAGES)('%s is whole, quiet, readable and fits', async (path, heading, ...texts) => {
      const { page, troubles } = seen
      await visit(opened(), page, path)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      for (const text of texts) await page.getByText(text).filter({ visible: true }).first().waitFor()
      expect(await faultsOf(page)).toEqual([])
      expect(await weakTexts(page)).toEqual([])
      expect(await wideParts(page)).toEqual([])
      expect(troubles).toEqual([])
    })
  })

  describe('without a session, without data', () => {
    test('nobody signed in is told how, and sees nothing else', async () => {
      const { page, context } = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await page.goto(`${opened().dashboard.url}/changes/${STORIES.canary}`)
      await page.getByRole('heading', { level: 1, name: 'You are not signed in here.' }).waitFor()
      await page.getByText(`slipway open /changes/${STORIES.canary}`).waitFor()
      expect(await page.textContent('body')).not.toMatch(/spam_filter|Adopt/)
      await context.close()
    })

    test('an empty Slipway teaches the next command on every page', async () => {
      const empty = await serveDashboard({ isEmpty: true })
      const { page, troubles, context } = await openPage(opened().browser, { scheme: 'dark', width: 1360 })
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
      const { page, context } = await openPage(opened().browser, { scheme: 'light', width: 1360 })
      await page.goto(await opened().dashboard.signInAt('/changes/c-0000'))
      await page.getByRole('alert').getByText('c-0000').waitFor()
      await context.close()
    })
  })
}
