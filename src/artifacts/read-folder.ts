import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../kernel/index.ts'
import { type OpenSource, openSource } from './byte-source.ts'
import { isObject, type JsonObject, jsonObject, member } from './json.ts'
import type { ModelFacts } from './model-facts.ts'
import { safetensorsFacts } from './safetensors/facts.ts'
import { savedModelFacts } from './saved-model/facts.ts'
import { reading } from './unreadable.ts'

const MOST_ENTRIES = 10_000
const MOST_SHARDS = 2000
const MOST_CONFIG_BYTES = 4 * 2 ** 20
/** Vocabularies with merges: 33 MB for the largest seen. */
const MOST_TOKENIZER_BYTES = 64 * 2 ** 20
const MOST_TEMPLATE_BYTES = 1_048_576
const SHARD = /-\d{5}-of-\d{5}\.gguf$/i

/** A folder that holds one model: safetensors with what lies beside them, a SavedModel, a split GGUF, or one file. */
export function readFolder(
  folder: string,
  name: string,
  readFile: (path: string, name: string) => ModelFacts,
): ModelFacts {
  const files = readdirSync(folder).slice(0, MOST_ENTRIES).sort()
  if (files.includes('saved_model.pb')) return savedModel(folder)
  const tensors = files.filter((file) => file.endsWith('.safetensors') && !file.startsWith('.'))
  if (tensors.length > 0) return transformers(folder, files, tensors)
  const gguf = files.filter((file) => /\.gguf$/i.test(file))
  if (gguf.length > 1 && gguf.every((file) => SHARD.test(file)))
    return splitGguf(gguf.map((file) => readFile(join(folder, file), file)))
  const others = files.filter((file) => /\.(gguf|onnx|ubj|pt2?|pth|bin|pkl|joblib)$/i.test(file))
  if (gguf.length === 0 && others.length === 0 && files.includes('config.json'))
    return transformers(folder, files, [])
  if (others.length === 1) return readFile(join(folder, others[0]!), others[0]!)
  throw new SlipwayError('artifact_unreadable', {
    name,
    format: 'a folder of one model',
    reason:
      others.length === 0
        ? `expected weights, a config.json or a saved_model.pb, found ${files.slice(0, 6).join(', ') || 'nothing'}`
        : `expected one model, found ${others.slice(0, 6).join(', ')}`,
  })
}

function transformers(folder: string, files: readonly string[], tensors: readonly string[]): ModelFacts {
  const json = (file: string, mostBytes = MOST_CONFIG_BYTES): JsonObject | undefined =>
    files.includes(file)
      ? withFiles(folder, [file], ([source]) =>
          reading(file, 'JSON', () => jsonObject(source!, 0, source!.sizeBytes, mostBytes)),
        )
      : undefined
  const shards = shardsOf(json('model.safetensors.index.json', MOST_TOKENIZER_BYTES), tensors)
  const missing = shards.filter((shard) => !files.includes(shard))
  const facts = withFiles(
    folder,
    shards.filter((shard) => files.includes(shard)),
    (sources) =>
      reading(sources[0]?.name ?? folder, 'safetensors', () =>
        safetensorsFacts(sources, {
          config: json('config.json'),
          generation: json('generation_config.json'),
          tokenizer: json('tokenizer.json', MOST_TOKENIZER_BYTES),
          tokenizerConfig: json('tokenizer_config.json'),
          adapter: json('adapter_config.json'),
          chatTemplate: textOf(folder, files, 'chat_template.jinja'),
        }),
      ),
  )
  if (missing.length === 0) return facts
  return {
    ...facts,
    notes: [
      ...facts.notes,
      `${missing.length} shards are missing: ${missing.slice(0, 3).join(', ')}; sizes are too small`,
    ],
  }
}

/** Files of the index where there is one; else all that are here, but a whole model before its consolidated copy. */
function shardsOf(index: JsonObject | undefined, tensors: readonly string[]): string[] {
  const map = member(index, 'weight_map')
  if (isObject(map)) {
    // A name with a folder in it could lead out of this one.
    const named = Object.values(map).filter(
      (file): file is string => typeof file === 'string' && !/[/\\]/.test(file),
    )
    return [...new Set(named)].sort().slice(0, MOST_SHARDS)
  }
  const whole = tensors.filter((file) => !file.startsWith('consolidated'))
  return (whole.length > 0 ? whole : tensors).slice(0, MOST_SHARDS)
}

function textOf(folder: string, files: readonly string[], file: string): string | undefined {
  if (!files.includes(file)) return undefined
  return withFiles(folder, [file], ([source]) =>
    source!.bytes(0, Math.min(source!.sizeBytes, MOST_TEMPLATE_BYTES)).toString('utf8'),
  )
}

function savedModel(folder: string): ModelFacts {
  const variables = join(folder, 'variables')
  let weightBytes: number | null = null
  try {
    weightBytes = readdirSync(variables)
      .filter((file) => file.startsWith('variables.data'))
      .reduce((sum, file) => sum + statSync(join(variables, file)).size, 0)
  } catch {
    // A SavedModel without variables is one whose weights are constants of the graph.
  }
  return withFiles(folder, ['saved_model.pb'], ([source]) =>
    reading('saved_model.pb', 'SavedModel', () => savedModelFacts(source!, weightBytes)),
  )
}

/** The first part has the values, all have tensors. */
function splitGguf(parts: readonly ModelFacts[]): ModelFacts {
  const [first] = parts as [ModelFacts, ...ModelFacts[]]
  const sum = (of: (facts: ModelFacts) => number | null) =>
    parts.reduce((all, part) => all + (of(part) ?? 0), 0)
  const weightBytes = sum((part) => part.weightBytes)
  const parameters = sum((part) => part.parameters)
  return {
    ...first,
    parameters,
    activeParameters: sum((part) => part.activeParameters),
    weightBytes,
    precision:
      first.precision === null
        ? (parts.find(({ precision }) => precision !== null)?.precision ?? null)
        : { ...first.precision, bitsPerWeight: parameters === 0 ? null : (weightBytes * 8) / parameters },
    notes: first.notes.filter((note) => !note.startsWith('one of ')),
  }
}

function withFiles<Result>(
  folder: string,
  files: readonly string[],
  use: (sources: OpenSource[]) => Result,
): Result {
  const sources: OpenSource[] = []
  try {
    for (const file of files) sources.push(openSource(join(folder, file), file))
    return use(sources)
  } finally {
    for (const source of sources) source.close()
  }
}
