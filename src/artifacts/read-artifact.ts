import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { SlipwayError } from '../kernel/index.ts'
import { type ByteSource, HEADER_BUDGET_BYTES, type OpenSource, openSource } from './byte-source.ts'
import { type FileKind, kindOf } from './detect.ts'
import { ggufFacts } from './gguf/facts.ts'
import { jsonObject, member } from './json.ts'
import type { ModelFacts } from './model-facts.ts'
import { onnxFacts } from './onnx/facts.ts'
import { listPickle, type PickleListing, pickleClause } from './pickle/list.ts'
import { readFolder } from './read-folder.ts'
import { configFacts } from './safetensors/config.ts'
import { safetensorsFacts } from './safetensors/facts.ts'
import { savedModelFacts } from './saved-model/facts.ts'
import { torchArchive } from './torch/archive.ts'
import { lightgbmFacts } from './trees/lightgbm.ts'
import { xgboostFacts } from './trees/xgboost.ts'
import { reading } from './unreadable.ts'

/** Trees stand before the facts in an XGBoost file, so more of it has to be passed over. */
const TREES_BUDGET_BYTES = 512 * 2 ** 20
const MOST_CONFIG_BYTES = 16 * 2 ** 20

/**
 * What a model file, or a folder of them, says of itself. Headers alone are read, within a budget of bytes; nothing of it
 * is run. `artifact_unreadable` names the byte and what was expected there; `artifact_unsafe` is a pickle, with what it
 * would import.
 */
export function readArtifact(path: string, name: string = basename(path)): ModelFacts {
  if (statSync(path).isDirectory()) return readFolder(path, name, readArtifact)
  return withFile(path, name, (source) => factsOf(source))
}

/** The same for bytes that are already here. */
export function factsOf(source: ByteSource): ModelFacts {
  const kind = reading(source.name, 'a model file', () => kindOf(source))
  return reading(source.name, FORMATS[kind], () => byKind(kind, source))
}

/** What a pickle would do, for whoever wants to see all of it. */
export function readPickle(path: string, name: string = basename(path)): PickleListing {
  return withFile(path, name, (source) => reading(name, FORMATS.pickle, () => listPickle(source)))
}

const FORMATS: Readonly<Record<FileKind, string>> = {
  onnx: 'ONNX',
  gguf: 'GGUF',
  safetensors: 'safetensors',
  json: 'JSON',
  ubj: 'XGBoost UBJ',
  lightgbm: 'LightGBM',
  zip: 'a torch archive',
  'saved-model': 'SavedModel',
  pickle: 'pickle',
}

function byKind(kind: FileKind, source: ByteSource): ModelFacts {
  switch (kind) {
    case 'onnx':
      return onnxFacts(source)
    case 'gguf':
      return ggufFacts(source)
    case 'safetensors':
      return safetensorsFacts([source])
    case 'ubj':
      return xgboostFacts(source)
    case 'json':
      return jsonFacts(source)
    case 'lightgbm':
      return lightgbmFacts(source)
    case 'saved-model':
      return savedModelFacts(source)
    case 'zip': {
      const archive = torchArchive(source)
      if (archive.kind === 'model') return archive.facts
      throw unsafe(source.name, archive.listing)
    }
    case 'pickle':
      throw unsafe(source.name, listPickle(source))
  }
}

/** A configuration of transformers is small and names its kind; all other JSON is tried as XGBoost. */
function jsonFacts(source: ByteSource): ModelFacts {
  if (
    source.sizeBytes <= MOST_CONFIG_BYTES &&
    !/"learner"/.test(source.bytes(0, Math.min(4096, source.sizeBytes)).toString('latin1'))
  ) {
    const whole = jsonObject(source, 0, source.sizeBytes, MOST_CONFIG_BYTES)
    if (member(whole, 'model_type') !== undefined || member(whole, 'architectures') !== undefined)
      return configFacts(whole)
  }
  return xgboostFacts(source)
}

function unsafe(name: string, listing: PickleListing): SlipwayError {
  return new SlipwayError('artifact_unsafe', { name, reason: pickleClause(listing) })
}

function withFile<Result>(path: string, name: string, use: (source: OpenSource) => Result): Result {
  const budgetBytes = /\.(json|ubj)$/i.test(name) ? TREES_BUDGET_BYTES : HEADER_BUDGET_BYTES
  const source = openSource(path, name, budgetBytes)
  try {
    return use(source)
  } finally {
    source.close()
  }
}
