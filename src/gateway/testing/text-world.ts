import type { SnapshotModel } from '../../contracts/index.ts'
import { anthropicSurface, chatSurface, completionsSurface, responsesSurface } from '../../dialects/index.ts'
import { type Clock, systemClock } from '../../kernel/index.ts'
import { defaultTextCallLimits, type GatewayLimits, type TextCallLimits } from '../limits.ts'
import type { Surfaces } from '../text/endpoints.ts'
import type { TextOptions } from '../text/text-front.ts'
import { ScriptedUpstream, scriptedModel } from './scripted-upstream.ts'
import { type Sent, World } from './world.ts'

export interface TextWorldOptions {
  models?: SnapshotModel[]
  upstreams?: ScriptedUpstream[]
  options?: TextOptions
  limits?: Partial<TextCallLimits>
  bounds?: Partial<GatewayLimits>
  serving?: SnapshotModel['serving']
  clock?: Clock
}

/** A clock that a test sets forward; its sleeps are real. */
export function skippingClock(): Clock & { skip(ms: number): void } {
  let aheadMs = 0
  return {
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    sleep: systemClock.sleep,
    skip: (ms) => {
      aheadMs += ms
    },
  }
}

/** All surfaces that there are. */
export const dialects: Surfaces = {
  'openai-chat': chatSurface,
  'openai-completions': completionsSurface,
  'openai-responses': responsesSurface,
  anthropic: anthropicSurface,
}

/** A world whose model `chat` is answered by the scripted upstream `acme`; open streams are looked at often. */
export function openTextWorld(wanted: TextWorldOptions = {}): Promise<World> {
  const { bounds, clock, limits, models, options, serving, upstreams } = wanted
  return World.open({
    replicas: {},
    ...(clock === undefined ? {} : { clock }),
    limits: { ...bounds, text: { ...defaultTextCallLimits, tickMs: 5, ...limits } },
    text: {
      models: models ?? [
        scriptedModel('chat', { v1: { provider: 'acme' } }, serving === undefined ? {} : { serving }),
      ],
      upstreams: upstreams ?? [new ScriptedUpstream('acme')],
      options: { surfaces: dialects, ...options },
    },
  })
}

/** A surface as tests use it: the same question in its words, and what of its stream says what. */
export interface SurfaceCase {
  readonly name: string
  send(more?: Record<string, unknown>): Sent & { path: string }
  /** What its stream begins with; undefined where it says nothing before the content. */
  readonly start: string | undefined
  readonly success: string
  readonly failure: string
}

const question =
  (path: string, asked: Record<string, unknown>) =>
  (more: Record<string, unknown> = {}) => ({
    path,
    body: JSON.stringify({ ...asked, ...more }),
  })
const messages = [{ role: 'user', content: 'Hi' }]

export const surfaces: readonly SurfaceCase[] = [
  {
    name: 'slipway',
    send: question('/api/v1/models/chat/generate', {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    }),
    start: '"type":"started"',
    success: '"type":"ended"',
    failure: '"type":"failed"',
  },
  {
    name: 'openai-chat',
    send: question('/v1/chat/completions', { model: 'chat', messages }),
    start: '"role":"assistant"',
    success: '[DONE]',
    failure: '"error":{',
  },
  {
    name: 'openai-completions',
    send: question('/v1/completions', { model: 'chat', prompt: 'Hi' }),
    start: undefined,
    success: '[DONE]',
    failure: '"error":{',
  },
  {
    name: 'openai-responses',
    send: question('/v1/responses', { model: 'chat', input: 'Hi' }),
    start: '"type":"response.created"',
    success: '"type":"response.completed"',
    failure: '"type":"response.failed"',
  },
  {
    name: 'anthropic',
    send: question('/v1/messages', { model: 'chat', max_tokens: 64, messages }),
    start: '"type":"message_start"',
    success: '"type":"message_stop"',
    failure: '"type":"error"',
  },
]

/** The events of a whole SSE body. Throws where its end is not an event's. */
export function eventsIn(body: Buffer | string): string[] {
  const text = body.toString()
  if (!text.endsWith('\n\n')) throw new Error(`the stream ends within an event: ${text.slice(-60)}`)
  return text
    .slice(0, -2)
    .split('\n\n')
    .filter((event) => !event.startsWith(':'))
    .map((event) => {
      const data = event.split('\n').find((line) => line.startsWith('data: '))
      if (data === undefined) throw new Error(`not an event: ${event}`)
      return data.slice('data: '.length)
    })
}
