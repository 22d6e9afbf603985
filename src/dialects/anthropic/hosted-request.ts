import type { GenerateRequest, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { writeRequest } from './write-request.ts'

/**
 * Of Anthropic's own service and not of the clouds that host its models: what it keeps (files, containers), whom it
 * calls (MCP), where and how fast it computes. docs.anthropic.com, "Claude on Amazon Bedrock", "Claude on Vertex AI".
 */
const LACKS: readonly string[] = ['container', 'inference_geo', 'mcp_servers', 'speed']

/**
 * `POST /v1/messages` as a cloud takes it: the model is in the address, and the API's version in the body. Throws
 * `UnsupportedFeature`.
 */
export function writeHosted(request: GenerateRequest, modelName: string, version: string): JsonObject {
  if (request.serviceTier !== undefined)
    throw new UnsupportedFeature('serviceTier', 'anthropic', 'a cloud that hosts the model has its own tiers')
  for (const lack of LACKS)
    if (request.extras?.[lack] !== undefined) throw new UnsupportedFeature(`extras.${lack}`, 'anthropic')
  for (const [index, { content }] of request.messages.entries())
    refuseFiles(content, `messages.${index}.content`)
  const { model: _, ...body } = writeRequest(request, modelName)
  return { ...body, anthropic_version: version }
}

function refuseFiles(content: readonly Part[], place: string): void {
  for (const [at, part] of content.entries()) {
    if (part.type === 'tool-result') refuseFiles(part.content, `${place}.${at}.content`)
    else if ('source' in part && part.source.kind === 'file')
      throw new UnsupportedFeature(
        `${place}.${at}`,
        'anthropic',
        'ids of files are known to Anthropic and not to a cloud that hosts the model',
      )
  }
}
