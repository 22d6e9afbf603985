import { type ErrorCode, errorTable, type Problem, problem } from '../contracts/index.ts'

/** An answer that is a problem, or no answer at all: what happened, where, and what to do. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(told: Problem, options?: { cause?: unknown }) {
    super(told.detail, options)
    this.name = 'ProblemError'
    this.problem = told
  }
  /** One of the codes of docs/errors; a newer server may know more. */
  get code(): string {
    return this.problem.code
  }
  get status(): number {
    return this.problem.status
  }
  get hint(): string | undefined {
    return this.problem.hint
  }
  get pointer(): string | undefined {
    return this.problem.pointer
  }
  get requestId(): string | undefined {
    return this.problem.requestId
  }
}

/** A problem found on this side of the wire, told in the words of the error table. */
export function localProblem(
  code: ErrorCode,
  parameters: Record<string, string | number>,
  options: { detail?: string; cause?: unknown } = {},
): ProblemError {
  const [status, title, hint] = errorTable[code]
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => String(parameters[name] ?? whole))
  return new ProblemError(
    {
      type: `https://slipway.dev/errors#${code}`,
      title: code.replaceAll('_', ' '),
      status,
      code,
      detail: options.detail ?? fill(title),
      hint: fill(hint),
    },
    options.cause === undefined ? undefined : { cause: options.cause },
  )
}

/** Reads RFC 9457; what answers in another form (a proxy, a page) is told by its status and first words. */
export async function problemOf(response: Response, url: string): Promise<ProblemError> {
  const text = await response.text().catch(() => '')
  const parsed = problem.safeParse(parseJson(text))
  if (parsed.success) return new ProblemError(parsed.data)
  const said = text.trim().slice(0, 200)
  return new ProblemError({
    type: 'about:blank',
    title: response.statusText || 'No problem document',
    status: response.status,
    code: 'internal',
    detail: `${url} answered ${response.status}${said === '' ? '' : `: ${said}`}`,
    hint: 'This does not look like Slipway; check the address.',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
