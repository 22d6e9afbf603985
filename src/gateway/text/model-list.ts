import { SlipwayError } from '../../kernel/index.ts'
import type { GatewayModel, GatewayTable } from '../gateway-table.ts'

/** `GET /v1/models` in the form of the client: Anthropic's own send `anthropic-version`, OpenAI's do not. */
export function listTextModels(table: GatewayTable, isAnthropic: boolean): object {
  const models = [...table.models.values()].filter(isText)
  const data = models.map((model) => entry(model, table, isAnthropic))
  if (!isAnthropic) return { object: 'list', data }
  return {
    data,
    has_more: false,
    first_id: models[0]?.name ?? null,
    last_id: models.at(-1)?.name ?? null,
  }
}

/** Throws `unknown_model`; a model of rows is none here. */
export function textModel(table: GatewayTable, name: string, isAnthropic: boolean): object {
  const model = table.models.get(name)
  if (model === undefined || !isText(model))
    throw new SlipwayError('unknown_model', { model: name.slice(0, 100) })
  return entry(model, table, isAnthropic)
}

export function isText(model: GatewayModel): boolean {
  for (const { text } of model.versions.values()) if (text !== undefined) return true
  return false
}

function entry({ name }: GatewayModel, { createdAt }: GatewayTable, isAnthropic: boolean): object {
  return isAnthropic
    ? { type: 'model', id: name, display_name: name, created_at: new Date(createdAt).toISOString() }
    : { id: name, object: 'model', created: Math.floor(createdAt / 1000), owned_by: 'slipway' }
}
