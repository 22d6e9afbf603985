import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export interface GroupOptions {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly onOutput: (bytes: Buffer) => void
  /** The guard of the group is gone: whoever starts it again had better know. */
  readonly onGuardLost: () => void
}

export interface GroupEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * A program and all that it starts, as a process group of its own, of which nothing outlives this process:
 *
 * waiting ──guard stands──▶ running ──its first process ended──▶ what is left is killed ──▶ ended
 *
 * The guard is a shell with a pipe to this process. The pipe closes when this process ends, however that happens
 * (SIGKILL included), and then the guard ends the group: SIGTERM, and SIGKILL after five seconds. The program itself waits
 * behind a pipe until the guard stands, so that there is no moment in which it could be left behind.
 */
export interface ProcessGroup {
  readonly pid: number
  /** Resolves when the first process has ended and the group was killed. */
  readonly ended: Promise<GroupEnd>
  /** To the first process, which knows how to end its own. */
  terminate(): void
  /** To all of them. */
  kill(): void
}

const LAST_WORDS_MS = 1_000

const WAIT_THEN_RUN = 'read -r word || exit 125; exec "$@" </dev/null'

// The form with -s is the one that every shell takes with a negative number.
const GUARD = `
read -r word && exit 0
kill -s TERM -- "-$1" 2>/dev/null
left=50
while [ "$left" -gt 0 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
kill -s KILL -- "-$1" 2>/dev/null
`

export async function startGroup(options: GroupOptions): Promise<ProcessGroup> {
  const { command, environment, onGuardLost, onOutput } = options
  const child = spawn('/bin/sh', ['-c', WAIT_THEN_RUN, 'slipway', ...command], {
    detached: true,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  await once(child, 'spawn')
  const pid = child.pid as number
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', onOutput)
  child.stderr.on('data', onOutput)
  const guard = await startGuard(pid)
  let isOver = false
  guard.once('exit', () => {
    if (!isOver) onGuardLost()
  })
  child.stdin.end('go\n')
  const ended = exited.then(async ([exitCode, signal]) => {
    isOver = true
    signalTo(-pid, 'SIGKILL')
    guard.stdin?.end('done\n')
    await Promise.all([drained(child.stdout), drained(child.stderr)])
    return { exitCode, signal }
  })
  return {
    pid,
    ended,
    terminate: () => {
      if (!isOver) signalTo(pid, 'SIGTERM')
    },
    kill: () => {
      if (!isOver) signalTo(-pid, 'SIGKILL')
    },
  }
}

/** In a session of its own: what ends this process's group must not end the guard with it. */
async function startGuard(pid: number): Promise<ChildProcess> {
  const guard = spawn('/bin/sh', ['-c', GUARD, 'slipway-guard', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(guard, 'spawn')
  guard.stdin?.on('error', () => undefined)
  return guard
}

/** Last words may still be in the pipe; somebody who left the group may hold it open for ever. */
async function drained(stream: Readable): Promise<void> {
  if (stream.closed) return
  const late = setTimeout(() => stream.destroy(), LAST_WORDS_MS)
  await once(stream, 'close').catch(() => undefined)
  clearTimeout(late)
}

function signalTo(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch (error) {
    // Gone already, or, for a group, only dead members that nobody has reaped.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
