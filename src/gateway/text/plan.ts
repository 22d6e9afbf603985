import type { IncomingHttpHeaders } from 'node:http'
import {
  type GenerateRequest,
  headerNames,
  type PriorityClass,
  priorityClass,
  type Sampling,
} from '../../contracts/index.ts'
import { type JsonObject, withoutFeature } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { UpstreamWork } from './endpoint.ts'
import type { TextVersion } from './text-version.ts'

/** Best first; a call's priority is its place here. */
export const PRIORITIES: readonly PriorityClass[] = priorityClass.options

const DEFAULT_PRIORITY: PriorityClass = 'interactive'

/** What a body may say to us beside its dialect: `params.version` and `params.drop`. */
export interface OwnParams {
  readonly version: string | undefined
  readonly drop: readonly string[]
}

const NO_PARAMS: OwnParams = Object.freeze({ version: undefined, drop: [] })

export function ownParams(body: JsonObject): OwnParams {
  const { params } = body
  if (params === undefined) return NO_PARAMS
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw invalid('/params', 'params must be an object.')
  for (const name of Object.keys(params))
    if (name !== 'version' && name !== 'drop')
      throw invalid('/params', `The parameter ${JSON.stringify(name.slice(0, 100))} is not known here.`)
  const { drop = [], version } = params as { drop?: unknown; version?: unknown }
  if (version !== undefined && typeof version !== 'string')
    throw invalid('/params/version', 'params.version must be a version label.')
  if (!Array.isArray(drop) || drop.length > 50 || drop.some((name) => typeof name !== 'string'))
    throw invalid('/params/drop', 'params.drop must be a list of at most 50 names of fields.')
  return { version, drop: drop as string[] }
}

/** `support:v3` is the model `support`, pinned to its version `v3`; names of models hold no colon. */
export function splitModel(named: string): { model: string; version: string | undefined } {
  const colon = named.indexOf(':')
  if (colon < 0) return { model: named, version: undefined }
  return { model: named.slice(0, colon), version: named.slice(colon + 1) }
}

/** The version asked for by name, wherever that was said. Two that differ are refused: neither can be what was meant. */
export function pinnedVersion(
  headers: IncomingHttpHeaders,
  params: OwnParams,
  suffix: string | undefined,
): string | undefined {
  const header = headers[headerNames.version]
  const named = typeof header === 'string' && header !== '' ? header : undefined
  const pinned = named ?? params.version ?? suffix
  for (const other of [params.version, suffix])
    if (other !== undefined && other !== pinned)
      throw invalid('', `Two versions are asked for: ${quoted(pinned as string)} and ${quoted(other)}.`)
  return pinned
}

/** Fields, by the client's names, that may be left out where what answers does not have them. */
export function allowedDrops(headers: IncomingHttpHeaders, params: OwnParams): readonly string[] {
  const header = headers[headerNames.drop]
  if (typeof header !== 'string' || header === '') return params.drop
  const names = header.split(',', 50).map((name) => name.trim())
  return params.drop.length === 0 ? names : [...params.drop, ...names]
}

/** The class of the key, or a lower one that the request asks for itself. */
export function priorityOf(headers: IncomingHttpHeaders, ofKey: PriorityClass | undefined): PriorityClass {
  const most = ofKey ?? DEFAULT_PRIORITY
  const header = headers[headerNames.priority]
  if (header === undefined) return most
  const asked = PRIORITIES.indexOf(header as PriorityClass)
  if (asked < 0) throw invalid('', `${headerNames.priority} must be one of ${PRIORITIES.join(', ')}.`)
  return asked >= PRIORITIES.indexOf(most) ? (header as PriorityClass) : most
}

/** The version's words before everything else, and its sampling where the request says nothing. */
export function withVersion(request: GenerateRequest, text: TextVersion): GenerateRequest {
  if (!text.isRewritten) return request
  const { prompt, sampling } = text.snapshot.text ?? {}
  const made: GenerateRequest = { ...request }
  if (prompt !== undefined)
    made.messages = [{ role: 'system', content: [{ type: 'text', text: prompt }] }, ...request.messages]
  if (sampling !== undefined) fillSampling(made, sampling)
  return made
}

function fillSampling(made: Sampling, defaults: Sampling): void {
  for (const name of Object.keys(defaults) as (keyof Sampling)[])
    if (made[name] === undefined) Object.assign(made, { [name]: defaults[name] })
}

/** The work without one feature of the neutral form; undefined where it is not there, or nothing would be left. */
export function workWithout(work: UpstreamWork, feature: string): UpstreamWork | undefined {
  if (work.kind === 'relay' || work.kind === 'moderate') return undefined
  if (work.kind === 'generate' || work.kind === 'count-tokens') {
    const request = withoutFeature(work.request, feature)
    return request === undefined ? undefined : { ...work, request }
  }
  const { extras, ...request }: Record<string, unknown> = { ...work.request }
  const kept = { ...(extras as Record<string, unknown> | undefined) }
  const extra = feature.startsWith('extras.') ? feature.slice('extras.'.length) : undefined
  const holder = extra === undefined ? request : kept
  const name = extra ?? feature
  if (!Object.hasOwn(holder, name) || REQUIRED.has(name)) return undefined
  delete holder[name]
  return { ...work, request: { ...request, extras: kept } } as unknown as UpstreamWork
}

const REQUIRED = new Set(['inputs', 'query', 'documents'])

function invalid(pointer: string, reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason }, pointer === '' ? {} : { pointer })
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100))
}
