import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { launch } from './browser.ts'
import { buildPages } from './build.ts'
import { describeCopy } from './copy.cases.ts'
import { type Dashboard, serveDashboard } from './fixture/serve.ts'
import { describeKeyboard } from './keyboard.cases.ts'
import { describeLive } from './live.cases.ts'
import { describeLongCanary } from './long-canary.cases.ts'
import { describePages } from './pages.cases.ts'
import { describeTraffic } from './traffic.cases.ts'

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

const opened = () => ({ browser, dashboard })

describePages(opened)
describeKeyboard(opened)
describeCopy(opened)
// From here on the fixture is moved.
describeLive(opened)
describeTraffic(opened)
describeLongCanary(opened)
