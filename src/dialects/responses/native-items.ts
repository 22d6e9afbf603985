import type { GenerateRequest, Part } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'

/**
 * Items and parts without a neutral form (searches that the provider made by itself, references to what it keeps): they
 * travel as the annotation of an empty text, in their place between the others, and are written again as they came by
 * this dialect. A request that has some says so by an extra, `input.<type>`, by which others refuse it.
 */
const ITEMS: ReadonlySet<string> = new Set([
  'additional_tools',
  'apply_patch_call',
  'apply_patch_call_output',
  'code_interpreter_call',
  'compaction',
  'compaction_trigger',
  'computer_call',
  'computer_call_output',
  'configuration_update',
  'custom_tool_call',
  'custom_tool_call_output',
  'file_search_call',
  'function_call',
  'image_generation_call',
  'item_reference',
  'local_shell_call',
  'local_shell_call_output',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'mcp_list_tools',
  'program',
  'program_output',
  'shell_call',
  'shell_call_output',
  'tool_search_call',
  'tool_search_output',
  'web_search_call',
])

/** Of a message: what is in them and has no neutral word. */
const PARTS: ReadonlySet<string> = new Set(['input_image', 'input_file'])

const CITATIONS: ReadonlySet<string> = new Set([
  'url_citation',
  'file_citation',
  'container_file_citation',
  'file_path',
])

export function isNativeItem(type: string): boolean {
  return ITEMS.has(type)
}

export function carried(item: JsonObject): Extract<Part, { type: 'text' }> {
  return { type: 'text', text: '', annotations: [item] }
}

export function itemsIn(annotations: readonly unknown[] | undefined): JsonObject[] {
  return ofTypes(annotations, ITEMS)
}

export function partsIn(annotations: readonly unknown[] | undefined): JsonObject[] {
  return ofTypes(annotations, PARTS)
}

export function citationsIn(annotations: readonly unknown[] | undefined): JsonObject[] {
  return ofTypes(annotations, CITATIONS)
}

function ofTypes(annotations: readonly unknown[] | undefined, types: ReadonlySet<string>): JsonObject[] {
  return (annotations ?? []).flatMap((one) => {
    const annotation = objectOf(one)
    return annotation !== undefined && types.has(textOf(annotation.type) ?? '') ? [annotation] : []
  })
}

/** Collects the markers while a request is read. */
export class NativeMarks {
  readonly #places = new Map<string, string[]>()

  add(type: string, pointer: string): void {
    const name = `input.${type}`
    this.#places.set(name, [...(this.#places.get(name) ?? []), pointer])
  }

  get extras(): NonNullable<GenerateRequest['extras']> {
    return Object.fromEntries(this.#places)
  }
}
