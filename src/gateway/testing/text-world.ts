import type { SnapshotModel } from '../../contracts/index.ts'
import { type Clock, systemClock } from '../../kernel/index.ts'
import { defaultTextCallLimits, type GatewayLimits, type TextCallLimits } from '../limits.ts'
import type { TextOptions } from '../text/text-front.ts'
import { ScriptedUpstream, scriptedModel } from './scripted-upstream.ts'
import { smallChat } from './small-chat.ts'
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
      options: { surfaces: { 'openai-chat': smallChat }, ...options },
    },
  })
}

/** A surface as tests use it: the same question in its words, and what of its stream says what. */
export interface SurfaceCase {
  readonly name: string
  send(more?: Record<string, unknown>): Sent & { path: string }
  readonly success: string
  readonly failure: string
}

export const surfaces: readonly SurfaceCase[] = [
  {
    name: 'slipway',
    send: (more = {}) => ({
      path: '/api/v1/models/chat/generate',
      body: JSON.stringify({
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
        ...more,
      }),
    }),
    success: '"type":"ended"',
    failure: '"type":"failed"',
  },
  {
    name: 'openai-chat',
    send: (more = {}) => ({
      path: '/v1/chat/completions',
      body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'Hi' }], ...more }),
    }),
    success: '[DONE]',
    failure: '"error":{',
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
      if (!event.startsWith('data: ')) throw new Error(`not an event: ${event}`)
      return event.slice('data: '.length)
    })
}
