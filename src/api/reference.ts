interface Operation {
  summary: string
  tags: string[]
  security: Record<string, string[]>[]
  requestBody?: unknown
  parameters: { name: string; in: string; required: boolean }[]
  responses: Record<string, unknown>
}

/** The API as one page that needs no script and no other host. */
export function referencePage(document: Record<string, unknown>): string {
  const paths = document.paths as Record<string, Record<string, Operation>>
  const sections = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => section(method, path, operation)),
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Slipway API</title><style>
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{font-size:1rem;margin:2rem 0 .2rem}code,pre{font:13px ui-monospace,monospace}pre{overflow:auto;padding:.8rem;border:1px solid #8884;border-radius:8px}
.m{opacity:.7}details{margin:.3rem 0}</style>
<h1>Slipway API</h1><p>Send <code>authorization: Bearer slw_…</code>. Errors are RFC 9457 problems. Machine readable:
<a href="/api/v1/openapi.json">openapi.json</a>.</p>${sections.join('\n')}</html>`
}

function section(method: string, path: string, operation: Operation): string {
  const scope = operation.security[0]?.key?.[0] ?? 'no key'
  const query = operation.parameters
    .filter((parameter) => parameter.in === 'query')
    .map((parameter) => parameter.name)
  return `<h2 id="${method}-${escaped(path)}"><code>${method.toUpperCase()} ${escaped(path)}</code></h2>
<div>${escaped(operation.summary)} <span class="m">${operation.tags.join()} · ${escaped(scope)}${query.length > 0 ? ` · ?${escaped(query.join(', '))}` : ''}</span></div>
${operation.requestBody === undefined ? '' : `<details><summary>Body</summary><pre>${json(operation.requestBody)}</pre></details>`}
<details><summary>Answers</summary><pre>${json(operation.responses)}</pre></details>`
}

function json(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2))
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
