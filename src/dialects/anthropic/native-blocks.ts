import type { GenerateRequest, Part } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'

/**
 * Blocks without a neutral form (searches that the provider made by itself, search results, documents with citations):
 * they travel as the annotation of an empty text, in their place between the others, and are written again as they came
 * by this dialect. A request that has some says so by an extra, `content.<type>`, by which others refuse it.
 */
export const CITATIONS: ReadonlySet<string> = new Set([
  'char_location',
  'page_location',
  'content_block_location',
  'web_search_result_location',
  'search_result_location',
])

/** Of an answer; what a request may hold besides comes with the marker of its extra. */
const ANSWERED: ReadonlySet<string> = new Set([
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'container_upload',
  'compaction',
])

const REQUESTED: ReadonlySet<string> = new Set([
  ...ANSWERED,
  'search_result',
  'document',
  'image',
  'tool_use',
  'tool_reference',
  'browser_state',
])

export function isAnsweredBlock(type: unknown): boolean {
  return typeof type === 'string' && ANSWERED.has(type)
}

export function isNativeBlock(type: unknown): boolean {
  return typeof type === 'string' && REQUESTED.has(type)
}

export function carried(block: JsonObject): Extract<Part, { type: 'text' }> {
  return { type: 'text', text: '', annotations: [block] }
}

export function typeOf(annotation: unknown): string | undefined {
  if (typeof annotation !== 'object' || annotation === null) return undefined
  const { type } = annotation as JsonObject
  return typeof type === 'string' ? type : undefined
}

export function citationsIn(annotations: readonly unknown[] | undefined): unknown[] {
  return (annotations ?? []).filter((one) => CITATIONS.has(typeOf(one) ?? ''))
}

export function blocksIn(annotations: readonly unknown[] | undefined): JsonObject[] {
  return (annotations ?? []).filter((one) => isNativeBlock(typeOf(one))) as JsonObject[]
}

/** Collects the markers while a request is read. */
export class NativeMarks {
  readonly #places = new Map<string, string[]>()

  add(type: string, pointer: string): void {
    const name = `content.${type}`
    const places = this.#places.get(name) ?? []
    places.push(pointer)
    this.#places.set(name, places)
  }

  get extras(): NonNullable<GenerateRequest['extras']> {
    return Object.fromEntries(this.#places)
  }
}
