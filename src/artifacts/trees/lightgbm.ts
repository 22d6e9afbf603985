import type { ByteSource } from '../byte-source.ts'
import { type ModelFacts, noFacts } from '../model-facts.ts'
import { shownBytes, Unreadable } from '../unreadable.ts'

/** The head ends at the first empty line; a model of 100,000 features needs about 10 MB of names and ranges. */
const MOST_HEAD_BYTES = 32 * 2 ** 20
const MOST_NAMES = 4096
const LINE_END = 0x0a

/** A LightGBM model as text: `key=value` lines before the trees. Throws `Unreadable`. */
export function lightgbmFacts(source: ByteSource): ModelFacts {
  const magic = source.bytes(0, Math.min(4, source.sizeBytes))
  if (magic.toString('latin1') !== 'tree') throw new Unreadable(0, 'the line "tree"', shownBytes(magic))
  const lines = headOf(source)
  const count = (key: string) => {
    const value = Number(lines.get(key) ?? Number.NaN)
    return Number.isSafeInteger(value) && value >= 0 ? value : null
  }
  const last = count('max_feature_idx')
  if (last === null)
    throw new Unreadable(0, 'a line "max_feature_idx="', 'none, so this is no LightGBM model')
  const sizes = lines.get('tree_sizes')
  return {
    ...noFacts('lightgbm'),
    architecture: 'gbdt',
    name: `lightgbm ${lines.get('version') ?? '?'}`,
    table: {
      trees: sizes === undefined ? null : sizes.split(' ').filter((size) => size !== '').length,
      features: last + 1,
      featureNames: (lines.get('feature_names') ?? '').split(' ', MOST_NAMES).filter((name) => name !== ''),
      classes: count('num_class'),
      objective: lines.get('objective')?.slice(0, 200) ?? null,
    },
  }
}

function headOf(source: ByteSource): Map<string, string> {
  const lines = new Map<string, string>()
  let start = 0
  for (let at = 0; at < source.sizeBytes; at++) {
    if (at > MOST_HEAD_BYTES)
      throw new Unreadable(at, `an empty line within ${MOST_HEAD_BYTES} bytes`, 'none')
    if (source.byte(at) !== LINE_END) continue
    const line = source
      .bytes(start, at - start)
      .toString('utf8')
      .trimEnd()
    if (line === '') return lines
    const equals = line.indexOf('=')
    if (equals > 0 && lines.size < 1000) lines.set(line.slice(0, equals), line.slice(equals + 1))
    start = at + 1
  }
  throw new Unreadable(source.sizeBytes, 'an empty line after the head', 'the end of the file')
}
