/** A page that needs nothing from anywhere: no script, no font, no picture that is not in it. */
export function htmlPage(title: string, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
:root{color-scheme:light dark;--ink:light-dark(#1b1f24,#e6e8eb);--soft:light-dark(#667,#99a);--a:light-dark(#2563eb,#7aa7ff);--b:light-dark(#c2410c,#fb923c)}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .8rem .25rem 0;text-align:right;border-bottom:1px solid color-mix(in srgb,var(--soft) 30%,transparent)}
td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;max-width:44rem}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
</style></head><body>
<h1>${escaped(title)}</h1>
${parts.join('\n')}
</body></html>
`
}

export function htmlTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')
  return `<table><thead><tr>${cells(header, 'th')}</tr></thead>\n<tbody>${body}</tbody></table>`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
