/** The floor (bench/floor) as two processes, ready to be measured beside the real path. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface FloorPath {
  readonly url: string
  readonly key: string
  readonly gatewayPid: number
  stop(): Promise<void>
}

export async function startFloor(): Promise<FloorPath> {
  const folder = mkdtempSync(join(tmpdir(), 'floor-'))
  const children: ChildProcess[] = []
  const start = async (file: string): Promise<unknown> => {
    const path = fileURLToPath(new URL(`../floor/${file}`, import.meta.url))
    const child = fork(path, [join(folder, 'link')])
    children.push(child)
    const [message] = (await once(child, 'message')) as unknown[]
    return message
  }
  await start('server.ts')
  const port = await start('gateway.ts')
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    key: 'bench_secret',
    gatewayPid: children[1]?.pid as number,
    stop: async () => {
      for (const child of children) {
        child.kill()
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
