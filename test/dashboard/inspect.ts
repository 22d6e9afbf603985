import type { Page } from 'playwright-core'

/** What `in-page.js` finds; see there. */
export const faultsOf = (page: Page): Promise<string[]> => page.evaluate('inspection.faults()')
export const weakTexts = (page: Page): Promise<string[]> => page.evaluate('inspection.weakTexts()')
export const wideParts = (page: Page): Promise<string[]> => page.evaluate('inspection.wideParts()')
export const outlineOfFocus = (page: Page): Promise<string> => page.evaluate('inspection.outlineOfFocus()')
export const watchShifts = (page: Page): Promise<void> => page.evaluate('inspection.watchShifts()')
export const shiftsSince = (page: Page): Promise<number[]> => page.evaluate('inspection.shifts')
