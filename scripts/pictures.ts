/**
 * The pictures of the docs: the built pages in Chromium, on the fixture of the dashboard's tests. Its traffic and raw
 * blocks are invented; plans, verdicts and the judge's looks are those of the real code. `node scripts/pictures.ts`.
 */
import { mkdirSync } from 'node:fs'
import { launch, openPage } from '../test/dashboard/browser.ts'
import { buildPages } from '../test/dashboard/build.ts'
import { STORIES } from '../test/dashboard/fixture/names.ts'
import { serveDashboard } from '../test/dashboard/fixture/serve.ts'

const FOLDER = 'docs/pictures'
const PICTURES = [
  {
    name: 'change-light',
    path: `/changes/${STORIES.canary}`,
    scheme: 'light',
    shows: 'Answers that changed',
  },
  { name: 'change-dark', path: `/changes/${STORIES.canary}`, scheme: 'dark', shows: 'Answers that changed' },
  { name: 'home-light', path: '/', scheme: 'light', shows: 'canary 25 %' },
] as const

buildPages()
mkdirSync(FOLDER, { recursive: true })
const dashboard = await serveDashboard()
const browser = await launch()
for (const { name, path, scheme, shows } of PICTURES) {
  const { page, context } = await openPage(browser, { scheme, width: 1360, height: 700 })
  await page.goto(await dashboard.signInAt(path))
  await page.getByText(shows).first().waitFor()
  await page.getByText('live', { exact: true }).waitFor()
  await page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage: true, animations: 'disabled' })
  await context.close()
  console.log(`${FOLDER}/${name}.png`)
}
await browser.close()
await dashboard.close()
process.exit(0)
