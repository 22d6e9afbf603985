/** A remote-style endpoint and a bare proxy before it, as processes. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export async function startBareProxy() {
  const children: ChildProcess[] = []
  const start = async (file: string, words: string[]): Promise<number> => {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), words)
    children.push(child)
    const [port] = (await once(child, 'message')) as [number]
    return port
  }
  const echoPort = await start('echo.ts', [])
  const port = await start('bare-proxy.ts', [String(echoPort)])
  return {
    url: `http://127.0.0.1:${port}/`,
    key: 'none',
    echoPort,
    stop: async () => {
      for (const child of children) {
        child.kill()
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
    },
  }
}
