import { headerNames, predictResponse } from '../contracts/index.ts'

/** One pinned request to a version, as a user would send it; what is wrong with the answer, or undefined. */
export type Probe = (
  wanted: {
    readonly model: string
    readonly version: string
    readonly inputs: Record<string, unknown>
    readonly outputs: readonly string[]
  },
  signal: AbortSignal,
) => Promise<string | undefined>

const TIMEOUT_MS = 10_000

/** Probes through the gateway, so that routing, keys, pre-processing and the contract are all on the way. */
export function gatewayProbe(options: { readonly gatewayUrl: string; readonly key: string }): Probe {
  return async ({ model, version, inputs, outputs }, signal) => {
    const url = `${options.gatewayUrl}/api/v1/models/${encodeURIComponent(model)}/predict`
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${options.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [inputs], params: { version } }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      const text = await response.text()
      if (response.status !== 200) return `status ${response.status}: ${text.slice(0, 200)}`
      const answered = response.headers.get(headerNames.version)
      if (answered !== version) return `${answered ?? 'no version'} answered in place of ${version}`
      return fault(text, outputs)
    } catch (error) {
      signal.throwIfAborted()
      return (error as Error).message
    }
  }
}

function fault(text: string, outputs: readonly string[]): string | undefined {
  const parsed = predictResponse.safeParse(parseJson(text))
  if (!parsed.success) return 'the answer is not in the form of the contract'
  const [row, ...more] = parsed.data.outputs
  if (row === undefined || more.length > 0) return `${parsed.data.outputs.length} rows came back for one`
  const missing = outputs.find((name) => row[name] === undefined)
  return missing === undefined ? undefined : `the answer has no output "${missing}"`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
