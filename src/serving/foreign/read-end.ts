import type { ErrorCode } from '../../contracts/index.ts'
import type { ForeignKind } from './foreign-kind.ts'
import type { GroupEnd } from './process-group.ts'

export interface ReadEnd {
  readonly code: Extract<ErrorCode, 'engine_refused' | 'engine_out_of_memory' | 'engine_ended'>
  readonly reason: string
}

const MAX_REASON = 500
/** `ValueError: …`, `torch.cuda.CudaError: …`; the last one is nearest to the end. */
const EXCEPTION = /^(?:.*\s)?([A-Za-z_.]*(?:Error|Exception): .+)$/

/** Why it ended, by its last lines and exit: a known message first, then the last exception, then the last line. */
export function readEnd(
  kind: ForeignKind,
  command: string,
  lines: readonly string[],
  end: GroupEnd,
): ReadEnd {
  // A shell's own: it could not find or run the program (POSIX, 2.8.2).
  if (end.exitCode === 127 || end.exitCode === 126) {
    const what = end.exitCode === 127 ? 'was not found' : 'cannot be run'
    return {
      code: 'engine_refused',
      reason: `the command ${command} ${what}; install it, or name it in vllm.command`,
    }
  }
  for (const { code, exitCode, pattern } of kind.ends) {
    if (exitCode !== undefined && exitCode !== end.exitCode) continue
    for (const line of lines) {
      const found = pattern.exec(line)
      if (found !== null) return { code, reason: short(found[1] ?? line) }
    }
  }
  const how = howOf(end)
  const exception = lines.findLast((line) => EXCEPTION.test(line))
  const said = exception === undefined ? lines.at(-1) : EXCEPTION.exec(exception)?.[1]
  return { code: 'engine_ended', reason: said === undefined ? how : `${how}; last it said: ${short(said)}` }
}

function howOf({ exitCode, signal }: GroupEnd): string {
  if (signal === 'SIGKILL') return 'killed by SIGKILL, which systems do where memory runs out'
  return signal === null ? `exit status ${exitCode ?? 'unknown'}` : `killed by ${signal}`
}

function short(text: string): string {
  const trimmed = text.trim().replace(/\.$/, '')
  return trimmed.length > MAX_REASON ? `${trimmed.slice(0, MAX_REASON)}…` : trimmed
}
