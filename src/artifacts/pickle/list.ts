import type { ByteSource } from '../byte-source.ts'
import { Cursor } from '../cursor.ts'
import { Unreadable } from '../unreadable.ts'
import { type Argument, callingOpcodes, opcodes } from './opcodes.ts'

/** What a pickle would do if somebody loaded it. Nothing is loaded here. */
export interface PickleListing {
  readonly protocol: number
  /** How often each opcode occurs. */
  readonly opcodes: Readonly<Record<string, number>>
  /** What it would import, as `module.name`. */
  readonly imports: readonly string[]
  /** The imports among them that run commands, code or reach files and networks. */
  readonly dangerous: readonly string[]
  /** Why the listing ends before the pickle does, where it does: raw arrays of joblib, several pickles in a row. */
  readonly endsEarly: string | null
}

const MOST_OPCODES = 5_000_000
const MOST_IMPORTS = 1000
const MOST_TEXT_BYTES = 4096
const MOST_LINE_BYTES = 1_048_576
const MOST_MEMO = 100_000

/** Modules whose import in a model file is a sign of an attack; any import may run code, these are made for it. */
const DANGEROUS =
  /^(os|posix|nt|subprocess|sys|builtins|__builtin__|__builtins__|importlib|imp|runpy|code|codeop|commands|pty|shutil|socket|ssl|http|urllib|urllib2|requests|webbrowser|ctypes|_ctypes|marshal|pickle|_pickle|dill|cloudpickle|types|operator|functools|asyncio|multiprocessing|threading|signal|tempfile|pathlib|io|_io|platform|bdb|pdb|timeit|cProfile|profile|trace|site|pip|ensurepip|venv|zipimport|pkgutil|ftplib|smtplib|telnetlib|xmlrpc|pydoc|doctest|unittest|distutils|setuptools|torch\.hub|torch\.serialization|torch\.utils\._config_module|numpy\.testing)(\.|$)/
/** Of those, what libraries write for harmless values. */
const HARMLESS =
  /^(builtins|__builtin__)\.(set|frozenset|list|dict|tuple|int|float|complex|bytearray|bytes|str|slice|range|object|bool)$/

export function listPickle(source: ByteSource): PickleListing {
  const cursor = new Cursor(source)
  const counts: Record<string, number> = {}
  const imports = new Set<string>()
  const memo = new Map<number, string | undefined>()
  // Not the whole stack machine: the two texts pushed last are what STACK_GLOBAL takes in every pickle that is written.
  let before: string | undefined
  let last: string | undefined
  let protocol = 0
  let endsEarly: string | null = null
  const push = (text: string | undefined) => {
    before = last
    last = text
  }
  const note = (name: string) => {
    if (imports.size < MOST_IMPORTS) imports.add(name.slice(0, 300))
  }
  for (let index = 0; ; index++) {
    if (index === MOST_OPCODES) throw new Unreadable(cursor.at, `at most ${MOST_OPCODES} opcodes`, 'more')
    const at = cursor.at
    const byte = cursor.u8('an opcode or STOP')
    const opcode = opcodes[byte]
    if (opcode === undefined) {
      if (index < 3) throw new Unreadable(at, 'an opcode of a pickle', `the byte ${byte}`)
      endsEarly = `at byte ${at}: ${byte} is no opcode; raw data may follow, as joblib writes it`
      break
    }
    const [name, argument] = opcode
    counts[name] = (counts[name] ?? 0) + 1
    const texts = argumentOf(cursor, argument)
    const isText = argument !== 'none' && 'counted' in argument && argument.isText
    if (name === 'PROTO') protocol = texts.number
    else if (name === 'GLOBAL' || name === 'INST') note(`${texts.lines[0]}.${texts.lines[1]}`)
    else if (name === 'STACK_GLOBAL') note(`${before ?? '?'}.${last ?? '?'}`)
    else if (name === 'EXT1' || name === 'EXT2' || name === 'EXT4') note(`copyreg extension ${texts.number}`)
    else if (name === 'MEMOIZE') remember(memo, memo.size, last)
    else if (name === 'BINPUT' || name === 'LONG_BINPUT') remember(memo, texts.number, last)
    else if (name === 'PUT') remember(memo, Number(texts.lines[0]), last)
    else if (name === 'BINGET' || name === 'LONG_BINGET') push(memo.get(texts.number))
    else if (name === 'GET') push(memo.get(Number(texts.lines[0])))
    else if (isText) push(texts.text)
    else if (name === 'STRING' || name === 'UNICODE') push(texts.lines[0]?.replace(/^['"]|['"]$/g, ''))
    else if (name === 'STOP') break
  }
  if (endsEarly === null && cursor.at < source.sizeBytes)
    endsEarly = `at byte ${cursor.at}: more follows after the first pickle`
  const names = [...imports].sort()
  return {
    protocol,
    opcodes: counts,
    imports: names,
    dangerous: names.filter(isDangerous),
    endsEarly,
  }
}

/** One that could not be resolved is taken for dangerous: hiding is what it would do. */
function isDangerous(name: string): boolean {
  return (
    (DANGEROUS.test(name) && !HARMLESS.test(name)) ||
    name.includes('?') ||
    name.startsWith('copyreg extension')
  )
}

/** In a clause: which opcodes call, what is imported, the dangerous first. */
export function pickleClause(listing: PickleListing): string {
  const calls = Object.entries(listing.opcodes)
    .filter(([name]) => callingOpcodes.has(name))
    .map(([name, count]) => `${name} × ${count}`)
  const rest = listing.imports.filter((name) => !listing.dangerous.includes(name))
  return [
    listing.dangerous.length > 0 ? `it would call ${someOf(listing.dangerous)}` : undefined,
    rest.length > 0
      ? `${listing.dangerous.length > 0 ? 'it' : 'it would'} import ${someOf(rest)}`.replace(
          'it import',
          'it would import',
        )
      : undefined,
    calls.length > 0 ? `opcodes that run code: ${calls.join(', ')}` : 'no opcode that runs code was found',
  ]
    .filter((part) => part !== undefined)
    .join('; ')
}

function someOf(names: readonly string[]): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`
}

function remember(memo: Map<number, string | undefined>, key: number, text: string | undefined): void {
  if (memo.size < MOST_MEMO) memo.set(key, text)
}

function argumentOf(cursor: Cursor, argument: Argument): { number: number; text: string; lines: string[] } {
  const nothing = { number: 0, text: '', lines: [] as string[] }
  if (argument === 'none') return nothing
  if ('bytes' in argument) {
    const bytes = cursor.bytes(argument.bytes, 'an argument')
    return { ...nothing, number: argument.bytes <= 4 ? bytes.readUIntLE(0, argument.bytes) : 0 }
  }
  if ('lines' in argument) {
    const lines = [lineOf(cursor)]
    if (argument.lines === 2) lines.push(lineOf(cursor))
    return { ...nothing, lines }
  }
  const { counted } = argument
  const length =
    counted === 1 ? cursor.u8('a length') : counted === 4 ? cursor.u32('a length') : cursor.u64('a length')
  if (!argument.isText || length > MOST_TEXT_BYTES) {
    cursor.skip(length, 'an argument')
    return nothing
  }
  return { ...nothing, text: cursor.text(length, 'a text', MOST_TEXT_BYTES) }
}

function lineOf(cursor: Cursor): string {
  const start = cursor.at
  while (cursor.u8('the end of a line') !== 0x0a)
    if (cursor.at - start > MOST_LINE_BYTES)
      throw new Unreadable(start, `a line of at most ${MOST_LINE_BYTES} bytes`, 'a longer one')
  return cursor.source
    .bytes(start, Math.min(cursor.at - start - 1, MOST_TEXT_BYTES))
    .toString('utf8')
    .trimEnd()
}
