import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

/** Packages of Python, installed once below `node_modules/.cache` and kept there until the wish changes. */
export async function pythonPackages(...wanted: string[]): Promise<string> {
  const name = createHash('sha256').update(wanted.join('\n')).digest('hex').slice(0, 12)
  const folder = resolve('node_modules/.cache/slipway-python', name)
  if (existsSync(folder)) return folder
  // Whoever is stopped in the middle leaves nothing that looks whole.
  const growing = `${folder}.${process.pid}`
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', growing]
  try {
    await python([...args, ...wanted], { PIP_ROOT_USER_ACTION: 'ignore' })
    renameSync(growing, folder)
  } finally {
    rmSync(growing, { recursive: true, force: true })
  }
  return folder
}

/** What it prints. Throws with what it says where it fails. */
export function python(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return run('python3', args, env)
}

export function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(command, args, {
    env: { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.error += chunk.toString()
  })
  return new Promise((done, failed) => {
    child.once('error', failed)
    child.once('close', (code) => {
      if (code === 0) done(said.out)
      else failed(new Error(`${command} ended with ${code}: ${said.error.slice(-2000)}`))
    })
  })
}
