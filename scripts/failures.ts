/**
 * What of vitest's JSON report (`--reporter=json`) tells why a run failed.
 * https://vitest.dev/guide/reporters#json-reporter
 */
export interface VitestReport {
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string
    readonly status: string
    /** Why the file itself did not load; empty otherwise. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

/** Lines of a message that are shown of one failure: vitest's own first lines name expected and received. */
const LINES_EACH = 3
const CHARACTERS_A_LINE = 200

/** Each failed test of a report, and each file that did not load, as a few lines: file, full name, message. */
export function failuresOf(report: VitestReport, root: string): string[][] {
  return report.testResults.flatMap(({ assertionResults, message, name, status }) => {
    const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name
    const failed = assertionResults.filter((test) => test.status === 'failed')
    if (failed.length === 0)
      return status === 'failed' ? [failure(`${file} does not load`, message ?? '')] : []
    return failed.map((test) =>
      failure(`${file} > ${test.fullName}`, (test.failureMessages ?? []).join('\n')),
    )
  })
}

export function failure(name: string, message: string): string[] {
  const lines = message
    .replaceAll(ANSI, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s+at /.test(line))
  return [`✘ ${name}`, ...lines.slice(0, LINES_EACH).map((line) => `    ${line}`)].map((line) =>
    line.length > CHARACTERS_A_LINE ? `${line.slice(0, CHARACTERS_A_LINE - 1)}…` : line,
  )
}

/**
 * The failures in at most `maxLines` lines. Where they do not fit, names go before messages, and a last line says how
 * many are not shown.
 */
export function told(failures: readonly string[][], maxLines: number): string[] {
  const whole = failures.flat()
  if (whole.length <= maxLines) return whole
  const names = failures.map(([name = '']) => name)
  if (names.length <= maxLines) {
    let left = maxLines - names.length
    return failures.flatMap(([name = '', ...message]) => {
      const shown = message.slice(0, left)
      left -= shown.length
      return [name, ...shown]
    })
  }
  return [...names.slice(0, maxLines - 1), `… and ${names.length - maxLines + 1} more`]
}

/** Colours and other escapes of a terminal (ECMA-48 control sequences). */
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g')
