import type { Browser, Page } from 'playwright-core'
import type { ChangeEventType } from '../../src/contracts/index.ts'
import type { Dashboard } from './fixture/serve.ts'

/** What all cases work on: one browser, one Slipway in the middle of things. */
export interface Opened {
  readonly browser: Browser
  readonly dashboard: Dashboard
}

/** Until nothing is read any more: what comes after it came because of an event. */
export async function quiet(page: Page): Promise<void> {
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
export async function visit({ dashboard }: Opened, page: Page, path: string): Promise<void> {
  await page.goto('about:blank')
  await page.goto(`${dashboard.url}${path}`)
}

export function markLoaded(page: Page): Promise<void> {
  return page.evaluate('void (globalThis.isStillLoaded = true)')
}

export function isStillLoaded(page: Page): Promise<boolean> {
  return page.evaluate("'isStillLoaded' in globalThis")
}

export async function append(
  { dashboard }: Opened,
  id: string,
  type: ChangeEventType,
  data: Record<string, unknown>,
): Promise<void> {
  const sequence = (await dashboard.store.changes.events(id)).at(-1)!.sequence
  await dashboard.store.changes.append(id, sequence, { at: Date.now(), actor: 'judge', type, data }, {})
}
