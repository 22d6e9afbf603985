/**
 * Holds the house to its plan: every import between rooms is in the table (scripts/rooms.ts) and goes through the
 * door, and no files import each other in a ring. Tests may knock at any door, but not climb through windows.
 *
 *   node scripts/check-layers.ts [root]
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rooms } from './rooms.ts'

export interface SourceFile {
  /** Path below src/, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Every complaint in words; none when the house stands. */
export function checkLayers(files: readonly SourceFile[], plan: typeof rooms = rooms): string[] {
  const known = new Set(files.map((file) => file.path))
  const imports = new Map(files.map((file) => [file.path, localImports(file, known)]))
  const complaints: string[] = []
  for (const [path, targets] of imports)
    for (const target of targets) complaints.push(...complaintsOf(path, target, plan))
  return [...complaints, ...cyclesOf(imports).map((cycle) => `cycle: ${cycle.join(' → ')}`)]
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"](\.[^'"]+)['"]/g

function localImports(file: SourceFile, known: ReadonlySet<string>): string[] {
  const targets = new Set<string>()
  for (const found of file.text.matchAll(IMPORT)) {
    const specifier = found[1] ?? found[2] ?? found[3] ?? ''
    const target = join(dirname(file.path), specifier)
    if (known.has(target) || target.startsWith('..')) targets.add(target)
  }
  return [...targets]
}

function complaintsOf(path: string, target: string, plan: typeof rooms): string[] {
  const from = roomOf(path)
  const to = roomOf(target)
  if (target.startsWith('..'))
    return isTestOnly(path) ? [] : [`${path} imports ${target}, which is outside src/`]
  if (from === to) return []
  const room = plan[from]
  if (room === undefined) return [`${path}: the room ${from} is not in scripts/rooms.ts`]
  const throughDoor = target === `${to}/index.ts` || (isTestOnly(path) && target === `${to}/testing.ts`)
  const past = throughDoor ? [] : [`${path} climbs through a window: ${target} (import ${to}/index.ts)`]
  const allowed = isTestOnly(path) || room.mayImport.includes(to)
  return allowed ? past : [...past, `${path}: ${from} may not import ${to}`]
}

/** Suites and their helpers may set other rooms up. */
function isTestOnly(path: string): boolean {
  return /\.(test|conformance)\.ts$|(^|\/)testing(\.ts$|\/)/.test(path)
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? ''
}

/** One ring per group of files that reach each other (Tarjan's strongly connected components). */
function cyclesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []
  const visit = (path: string): void => {
    index.set(path, index.size)
    low.set(path, index.get(path)!)
    stack.push(path)
    for (const target of imports.get(path) ?? []) {
      if (!imports.has(target)) continue
      if (!index.has(target)) visit(target)
      if (stack.includes(target)) low.set(path, Math.min(low.get(path)!, low.get(target)!))
    }
    if (low.get(path) !== index.get(path)) return
    const group = stack.splice(stack.indexOf(path))
    if (group.length > 1) cycles.push(group)
  }
  for (const path of imports.keys()) if (!index.has(path)) visit(path)
  return cycles
}

function readSources(root: string): SourceFile[] {
  return globSync('**/*.ts', { cwd: root })
    .sort()
    .map((path) => ({
      path: relative('.', path).replaceAll('\\', '/'),
      text: readFileSync(join(root, path), 'utf8'),
    }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const complaints = checkLayers(readSources(resolve(process.argv[2] ?? 'src')))
  for (const complaint of complaints) console.error(complaint)
  console.log(
    complaints.length === 0
      ? 'layers: every arrow is in the plan, no rings'
      : `layers: ${complaints.length} complaints`,
  )
  process.exitCode = complaints.length === 0 ? 0 : 1
}
