import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ArtifactRef, DType } from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import type { Tensor, TensorBatch } from '../link/index.ts'

/** Rows of the contract to what the engine is fed. Throws whatever the module throws, and `TypeError` for its answer. */
export type Preprocess = (rows: Record<string, unknown>[]) => Promise<TensorBatch>

/**
 * Loads a version's module; throws `artifact_unreadable`. Stored by its digest a file has no extension: then its text
 * is loaded, types stripped where its name says TypeScript, which is why such a module may import only what Node has.
 */
export async function loadPreprocess(path: string, ref: ArtifactRef | undefined): Promise<Preprocess> {
  const name = ref?.name ?? path
  let module: { preprocess?: unknown }
  try {
    module = await import(await moduleUrl(path, name))
  } catch (cause) {
    throw unreadable(name, cause instanceof Error ? cause.message : String(cause), cause)
  }
  const { preprocess } = module
  if (typeof preprocess !== 'function') throw unreadable(name, 'it does not export a function preprocess')
  return async (rows) => batchOf(await preprocess(rows), rows.length)
}

async function moduleUrl(path: string, name: string): Promise<string> {
  if (/\.[cm]?[jt]s$/.test(path)) return pathToFileURL(path).href
  const source = await readFile(path, 'utf8')
  const isTyped = /\.[cm]?ts$/.test(extname(name) === '' ? '.ts' : name)
  const text = isTyped ? stripTypeScriptTypes(source) : source
  return `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
}

function unreadable(name: string, reason: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    'artifact_unreadable',
    { name, format: 'a preprocess module', reason: reason.replace(/\.$/, '').slice(0, 300) },
    { cause },
  )
}

function batchOf(answer: unknown, rows: number): TensorBatch {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('preprocess gave no tensors')
  const tensors: Record<string, Tensor> = {}
  for (const [name, value] of Object.entries(answer)) {
    const { shape, data } = (value ?? {}) as { shape?: unknown; data?: unknown }
    const dtype = dtypeOf(data)
    if (dtype === undefined) throw new TypeError(`preprocess gave "${name}" without data of a known type`)
    if (!Array.isArray(shape) || shape[0] !== rows) {
      throw new TypeError(
        `preprocess gave "${name}" with ${Array.isArray(shape) ? shape[0] : 'no'} rows for ${rows}`,
      )
    }
    const length = shape.reduce((product: number, size: number) => product * size, 1)
    if ((data as Tensor['data']).length !== length) {
      throw new TypeError(
        `preprocess gave "${name}" ${(data as Tensor['data']).length} values, not ${length}`,
      )
    }
    tensors[name] = { dtype, shape, data: data as Tensor['data'] }
  }
  return { rows, tensors }
}

function dtypeOf(data: unknown): DType | undefined {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Uint8Array) return 'bool'
  return Array.isArray(data) && data.every((value) => typeof value === 'string') ? 'string' : undefined
}
