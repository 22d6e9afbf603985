import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { type Page, readPage, readPages } from './pages.ts'

const pages = readPages()

test.each(pages.map((page) => [page.path, page] as const))('every link of %s leads somewhere', (_, page) => {
  expect(linksOf(page).flatMap((link) => faultOf(page, link))).toEqual([])
})

test('every page is reached from the README', () => {
  const reached = new Set<string>()
  const walk = (path: string) => {
    if (reached.has(path) || !path.endsWith('.md') || !existsSync(path)) return
    reached.add(path)
    for (const link of linksOf(readPage(path))) if (!/^https?:/.test(link)) walk(targetOf(path, link).path)
  }
  walk('README.md')
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([])
})

test('a broken link and a missing anchor are found', () => {
  const page = { ...readPage('README.md'), path: 'README.md' }
  expect(faultOf(page, 'docs/nowhere.md')).toEqual(['docs/nowhere.md: no such file'])
  expect(faultOf(page, 'docs/errors.md#nothing')).toEqual(['docs/errors.md#nothing: no such heading'])
  expect(faultOf(page, 'docs/errors.md#unknown_model')).toEqual([])
})

function linksOf({ prose }: Page): string[] {
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
  const html = [...prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g)]
  return [...inline, ...html].map((match) => match[1] as string)
}

function faultOf(page: Page, link: string): string[] {
  if (/^(https?|mailto):/.test(link)) return []
  const { path, anchor } = targetOf(page.path, link)
  if (!existsSync(path)) return [`${link}: no such file`]
  if (anchor === undefined || readPage(path).anchors.has(anchor)) return []
  return [`${link}: no such heading`]
}

function targetOf(from: string, link: string): { path: string; anchor: string | undefined } {
  const [path, anchor] = link.split('#') as [string, string | undefined]
  return { path: path === '' ? from : relative('.', join(dirname(from), path)), anchor }
}
