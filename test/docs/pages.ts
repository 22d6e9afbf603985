import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
}

export interface Page {
  readonly path: string
  readonly text: string
  /** Without fenced blocks and code spans, in which brackets are no links. */
  readonly prose: string
  readonly blocks: readonly Block[]
  readonly anchors: ReadonlySet<string>
}

/** README and everything under docs/, by path from the root of the checkout. */
export function readPages(): Page[] {
  const below = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort()
  return ['README.md', ...below].map(readPage)
}

export function readPage(path: string): Page {
  const text = readFileSync(path, 'utf8')
  const blocks: Block[] = []
  const prose: string[] = []
  let open: { language: string; line: number; text: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\w*)/.exec(line)
    if (open === undefined && fence !== null) open = { language: fence[1] ?? '', line: index + 1, text: [] }
    else if (open !== undefined && line === '```') {
      blocks.push({ page: path, line: open.line, language: open.language, text: open.text.join('\n') })
      open = undefined
    } else if (open !== undefined) open.text.push(line)
    else prose.push(line)
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block is not closed`)
  return { path, text, prose: prose.join('\n').replace(/`[^`\n]*`/g, ''), blocks, anchors: anchorsOf(prose) }
}

/** As GitHub makes them: lower case, blanks to hyphens, other signs dropped; and what HTML names by itself. */
function anchorsOf(lines: readonly string[]): Set<string> {
  const named = lines.flatMap((line) =>
    [...line.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1] ?? ''),
  )
  const headings = lines.flatMap((line) => {
    const title = /^#{1,6} (.+)$/.exec(line)?.[1]
    if (title === undefined) return []
    const plain = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '')
    return [plain.trim().replaceAll(' ', '-')]
  })
  return new Set([...named, ...headings])
}
