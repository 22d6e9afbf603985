import { readFileSync } from 'node:fs'

/**
 * A process told apart from a later one that got the same pid: `startTicks` is its start in clock ticks since boot
 * (field 22 of /proc/<pid>/stat, proc(5)); null where there is no /proc, and then the pid alone has to do.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number | null
}

export function identify(pid: number): ProcessIdentity {
  return { pid, startTicks: statOf(pid)?.startTicks ?? null }
}

/** False for a process that ended, one that only waits to be reaped, and another one under the same pid. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (!answersSignals(identity.pid)) return false
  const stat = statOf(identity.pid)
  if (stat === undefined) return identity.startTicks === null
  if (stat.state === 'Z' || stat.state === 'X') return false
  return identity.startTicks === null || stat.startTicks === identity.startTicks
}

/** Whether the process was started with that argument; undefined where that cannot be known. */
export function hasArgument(pid: number, argument: string): boolean | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
  } catch {
    return undefined
  }
}

function answersSignals(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function statOf(pid: number): { state: string; startTicks: number } | undefined {
  try {
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startTicks: Number(fields[19]) }
  } catch {
    return undefined
  }
}
