import { fileURLToPath } from 'node:url'

/** Path of another process's entry: `.ts` in a checkout, `.js` in the built package. */
export function entryPath(app: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./${app}.${extension}`, import.meta.url))
}

/** Root of the package, from `src/apps` or `dist/apps`. */
export function packageRoot(): string {
  return fileURLToPath(new URL('../..', import.meta.url))
}
