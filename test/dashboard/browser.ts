import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

/** The system's Chromium, cut off from everything but this machine. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

export interface View {
  readonly scheme: 'light' | 'dark'
  readonly width: number
  readonly height?: number
}

export interface Seen {
  readonly page: Page
  /** Errors on the console, failed and refused requests: empty on a page that is well. */
  readonly troubles: string[]
}

/** A page of a new, empty browser profile. */
export async function openPage(
  browser: Browser,
  { scheme, width, height = 1000 }: View,
): Promise<Seen & { context: BrowserContext }> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    locale: 'en-GB',
    timezoneId: 'UTC',
  })
  await context.addInitScript({ path: fileURLToPath(new URL('./in-page.js', import.meta.url)) })
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text())
  })
  page.on('pageerror', (error) => troubles.push(String(error)))
  page.on('requestfailed', (request) => {
    // A page that is left aborts its own stream.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') troubles.push(`${request.url()} failed`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) troubles.push(`${response.url()} answered ${response.status()}`)
  })
  return { context, page, troubles }
}
