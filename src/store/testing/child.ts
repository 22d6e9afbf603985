import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A real process that writes to a store; resolves with what it said when `until` is satisfied. */
export async function writerIn(
  args: readonly string[],
  until: (said: string[]) => boolean,
): Promise<{ child: ChildProcess; said: string[] }> {
  const script = fileURLToPath(new URL('./writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout })
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the writer ended by itself with ${code}`)))
    lines.on('line', (line) => {
      said.push(line)
      if (until(said)) resolve()
    })
  })
  return { child, said }
}

/** SIGKILL, as a power cut looks from inside; resolves when the process is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
