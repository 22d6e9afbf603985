import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayTextState, Provider, Snapshot } from '../../contracts/index.ts'
import { type Logger, SlipwayError } from '../../kernel/index.ts'
import type { TextUpstream } from '../../providers/index.ts'
import type { GatewayTable, TextTableParts } from '../gateway-table.ts'
import { renderLoadMetrics } from '../metrics/render-loads.ts'
import { renderTextMetrics } from '../metrics/render-text.ts'
import { TextMetricsTable } from '../metrics/text-metrics.ts'
import type { PredictParts } from '../predict/predict-call.ts'
import { answerText, type ProblemForm } from '../server/answer.ts'
import type { HttpRequest, HttpResponse } from '../server/http.ts'
import {
  type Dispatched,
  type GatewayRouteName,
  isOfControl,
  type TextRouteName,
} from '../server/route-table.ts'
import { admittedOnly, noCache, noGuards, noPrices, primaryOnly } from './default-parts.ts'
import { type Endpoints, endpointsOf, type Surfaces } from './endpoints.ts'
import { TextLoads } from './loads.ts'
import { listTextModels, textModel } from './model-list.ts'
import type { FollowsSnapshots, TextParts } from './parts.ts'
import { PredictTextCall } from './predict-text-call.ts'
import { ProviderBook } from './provider-book.ts'
import { StreamKeeper } from './stream-keeper.ts'
import { TextCall } from './text-call.ts'
import type { Arrival, TextCallParts } from './text-http-call.ts'
import { textState } from './text-state.ts'

export interface TextOptions extends Partial<TextParts> {
  readonly surfaces?: Surfaces
}

/** What serves models of text in a gateway: surfaces, providers and the neighbours that were given. */
export class TextFront {
  readonly metrics = new TextMetricsTable()
  /** For the table of each snapshot. */
  readonly table: TextTableParts
  readonly #parts: TextCallParts
  readonly #endpoints: Endpoints
  readonly #providers: ProviderBook

  constructor(
    options: TextOptions,
    shared: PredictParts & Pick<TextCallParts, 'files'> & { readonly log: Logger },
  ) {
    const parts: TextParts = {
      ladders: options.ladders ?? primaryOnly,
      limits: options.limits ?? admittedOnly,
      guards: options.guards ?? noGuards,
      cache: options.cache ?? noCache,
      pricer: options.pricer ?? noPrices,
      openProvider: options.openProvider ?? noProvider,
    }
    const { clock, limits: bounds } = shared
    this.#providers = new ProviderBook(parts.openProvider, shared.log)
    this.#endpoints = endpointsOf(options.surfaces ?? {})
    this.#parts = {
      ...shared,
      ...parts,
      bounds,
      loads: new TextLoads(clock),
      keeper: new StreamKeeper(bounds.text.tickMs, () => clock.monotonicMs()),
    }
    const { cache, guards } = parts
    this.table = { cache, guards, providers: this.#providers, metrics: this.metrics }
  }

  /** Before the table of a snapshot is made. */
  follow(snapshot: Snapshot): void {
    this.#providers.follow(snapshot)
    const { cache, guards, ladders, limits, loads, pricer } = this.#parts
    for (const part of [ladders, limits, guards, cache, pricer, loads] as FollowsSnapshots[])
      part.follow?.(snapshot)
  }

  /** How the clients of a route read errors; undefined: RFC 9457. */
  formOf({ name }: Dispatched, headers: IncomingHttpHeaders): ProblemForm | undefined {
    return this.#endpoints[surfaceOf(name, headers)]?.errors
  }

  /** False: the route is no list. */
  answerList(
    { name, parameter }: Dispatched,
    table: GatewayTable,
    request: HttpRequest,
    response: HttpResponse,
    requestId: string,
  ): boolean {
    if (!MODEL_LISTS.has(name)) return false
    const isAnthropic = request.headers['anthropic-version'] !== undefined
    const list =
      name === 'listTextModels'
        ? listTextModels(table, isAnthropic)
        : textModel(table, parameter, isAnthropic)
    answerText(request, response, 200, requestId, JSON.stringify(list), 'application/json')
    return true
  }

  call(
    { name }: Dispatched,
    arrival: Arrival,
    request: HttpRequest,
    response: HttpResponse,
    startedMs: number,
  ): TextCall {
    const endpoint = this.#endpoints[name as TextRouteName]
    if (endpoint === undefined)
      throw new SlipwayError('unknown_route', {
        method: request.method as string,
        path: (request.url as string).slice(0, 200),
      })
    return new TextCall(this.#parts, { ...arrival, endpoint }, request, response, startedMs)
  }

  predict(
    arrival: Arrival,
    request: HttpRequest,
    response: HttpResponse,
    startedMs: number,
  ): PredictTextCall {
    return new PredictTextCall(this.#parts, arrival, request, response, startedMs)
  }

  get metricsText(): string {
    const { keeper, loads } = this.#parts
    return renderTextMetrics(this.metrics.all(), keeper.unsentBytes) + renderLoadMetrics(loads.all())
  }

  /** For pages; undefined where no model of text is served. */
  state(nowMs: number, wallMs: number): Omit<GatewayTextState, 'gateway'> | undefined {
    const { ladders, loads } = this.#parts
    return textState(this.#providers.views(), ladders.views?.(nowMs, wallMs) ?? [], loads.all())
  }

  close(): void {
    this.#parts.keeper.close()
    this.#providers.close()
  }
}

/** The route whose clients call this one. */
function surfaceOf(name: GatewayRouteName, headers: IncomingHttpHeaders): TextRouteName {
  if (isOfControl(name)) return 'chatCompletions'
  if (!MODEL_LISTS.has(name)) return name as TextRouteName
  return headers['anthropic-version'] === undefined ? 'chatCompletions' : 'messages'
}

const MODEL_LISTS: ReadonlySet<string> = new Set(['listTextModels', 'getTextModel'])

/** Without this part no provider can be opened, and versions that need one say so. */
function noProvider({ name }: Provider): TextUpstream {
  throw new Error(`this gateway was started without remote providers, so ${name} cannot be opened`)
}
