import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { FileError } from '../../sdk/index.ts'

export type Path = readonly (string | number)[]

/** A value that holds no others: text, a number, null, or an empty list or map. */
export interface Leaf {
  readonly path: Path
  /** From 1; undefined for JSON, where the path says it. */
  readonly line: number | undefined
}

export interface Source {
  readonly file: string
  readonly root: Readonly<Record<string, unknown>>
  readonly leaves: readonly Leaf[]
}

const LARGEST_FILE = 1024 * 1024
const MOST_LEAVES = 50_000
const DEEPEST = 64

/** Throws `FileError`. */
export function readYamlSource(text: string, file: string): Source {
  refuseLarge(text, file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const broken = document.errors[0]
  if (broken !== undefined)
    throw new FileError(
      { file, line: lines.linePos(broken.pos[0]).line },
      `not YAML: ${broken.message}`,
      'Check the indentation, colons and quotes on this line.',
    )
  let root: unknown
  try {
    root = document.toJS({ maxAliasCount: 50 })
  } catch (error) {
    throw new FileError({ file, line: 1 }, `not YAML: ${(error as Error).message}`, 'Write the values out.')
  }
  const lineAt = (path: Path): number => {
    let node: unknown = document.contents
    let line = 1
    for (const step of path) {
      if (isNode(node) && !isMap(node) && !isSeq(node)) node = document.contents && resolve(node)
      if (isMap(node)) {
        const pair = node.items.find(
          (one) => isPair(one) && isScalar(one.key) && String(one.key.value) === step,
        )
        line = lineOf(pair?.key) ?? line
        node = pair?.value
      } else if (isSeq(node)) node = node.items[Number(step)]
      line = lineOf(node) ?? line
    }
    return line
  }
  const resolve = (node: Node): unknown =>
    'resolve' in node ? (node as { resolve(d: unknown): unknown }).resolve(document) : node
  const lineOf = (node: unknown): number | undefined =>
    isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined
  const { root: checked, paths } = leavesOf(root, file)
  return { file, root: checked, leaves: paths.map((path) => ({ path, line: lineAt(path) })) }
}

/** Throws `FileError`. */
export function readJsonSource(text: string, file: string): Source {
  refuseLarge(text, file)
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch (error) {
    throw new FileError(
      { file, line: 1 },
      `not JSON: ${(error as Error).message}`,
      'Check commas and quotes.',
    )
  }
  // JSON.parse keeps the last of two equal keys and says nothing; this reader says so.
  const lines = new LineCounter()
  const twice = parseDocument(text, { lineCounter: lines, prettyErrors: false }).errors.find(
    ({ code }) => code === 'DUPLICATE_KEY',
  )
  if (twice !== undefined)
    throw new FileError(
      { file, line: lines.linePos(twice.pos[0]).line },
      'a key stands twice in one object',
      'Keep one of them.',
    )
  const { root: checked, paths } = leavesOf(root, file)
  return { file, root: checked, leaves: paths.map((path) => ({ path, line: undefined })) }
}

function refuseLarge(text: string, file: string): void {
  if (text.length > LARGEST_FILE)
    throw new FileError({ file, line: 1 }, 'the file is larger than 1 MiB', 'Import it in parts.')
}

function leavesOf(root: unknown, file: string): { root: Source['root']; paths: Path[] } {
  if (!isObject(root))
    throw new FileError({ file, line: 1 }, 'it holds no settings', 'Name a configuration file of that tool.')
  const paths: Path[] = []
  const walk = (value: unknown, path: Path): void => {
    if (path.length > DEEPEST)
      throw new FileError({ file, line: 1 }, `it nests deeper than ${DEEPEST} levels`, 'Flatten it.')
    const entries = Array.isArray(value) ? [...value.entries()] : isObject(value) ? Object.entries(value) : []
    if (entries.length === 0) paths.push(path)
    if (paths.length > MOST_LEAVES)
      throw new FileError({ file, line: 1 }, `it has more than ${MOST_LEAVES} values`, 'Import it in parts.')
    for (const [key, inner] of entries) walk(inner, [...path, key])
  }
  walk(root, [])
  return { root, paths: paths.filter((path) => path.length > 0) }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
