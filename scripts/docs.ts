/**
 * The generated pages: docs/openapi.json from the route table, docs/errors.md from the error table, the table of rooms
 * in docs/architecture.md, docs/reference/cli.md from the commands, docs/reference/sizing.md from src/sizing, docs/reference/files.md and docs/schemas/ from the
 * forms of the files. `--check` writes nothing and fails where a page is behind the code.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import packageJson from '#package.json' with { type: 'json' }
import { openApiDocument } from '../src/api/index.ts'
import { errorTable } from '../src/contracts/index.ts'
import { cliPage } from './reference/cli.ts'
import { fileSchema, filesPage } from './reference/files.ts'
import { sizingPage } from './reference/sizing.ts'
import { rooms } from './rooms.ts'

const check = process.argv.includes('--check')
const behind: string[] = []

write('docs/openapi.json', `${JSON.stringify(openApiDocument(packageJson.version), null, 2)}\n`)
write('docs/errors.md', errorPage())
write('docs/reference/cli.md', cliPage())
write('docs/reference/files.md', filesPage())
write('docs/reference/sizing.md', sizingPage())
for (const name of ['change', 'model', 'policy'] as const)
  write(`docs/schemas/${name}.schema.json`, `${JSON.stringify(fileSchema(name), null, 2)}\n`)
write('docs/architecture.md', withRooms(readFileSync('docs/architecture.md', 'utf8')))

if (behind.length > 0) {
  console.error(`behind the code: ${behind.join(', ')}. → Run make docs and commit.`)
  process.exit(1)
}

function write(path: string, content: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  if (check) behind.push(path)
  else writeFileSync(path, content)
}

function errorPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, [status, title, hint]]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status} | ${cell(title)} | ${cell(hint)} |`,
  )
  return `# Errors

Every error answer is an RFC 9457 problem (\`application/problem+json\`) with \`code\`, \`detail\`, \`hint\`, \`requestId\` and,
where one value is to blame, \`pointer\` (RFC 6901) into the body. The codes are stable; the words may get better.
This page is generated from \`src/contracts/errors.ts\` by \`make docs\`.

| code | status | what happened | what to do |
|---|---|---|---|
${rows.join('\n')}
`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('{', '‹').replaceAll('}', '›')
}

function withRooms(page: string): string {
  const [before, rest] = page.split('<!-- rooms -->\n')
  const after = rest?.split('<!-- /rooms -->')[1]
  if (before === undefined || after === undefined)
    throw new Error('docs/architecture.md has lost its <!-- rooms --> marks')
  const rows = Object.entries(rooms).map(
    ([name, { owns, mayImport }]) =>
      `| \`src/${name}\` | ${owns} | ${mayImport.length === 0 ? '–' : mayImport.join(', ')} |`,
  )
  return `${before}<!-- rooms -->\n| room | owns | may import |\n|---|---|---|\n${rows.join('\n')}\n<!-- /rooms -->${after}`
}
