import { afterEach } from 'vitest'
import {
  openaiChat,
  openScriptedServer,
  type Script,
  type ScriptedServer,
} from '../../../../test/wall/index.ts'
import type { TextCall, TextUpstream } from '../../index.ts'
import { type Asked, callOf, Listening } from '../../text/text-upstream.conformance.ts'
import type { RemotePolicy } from '../policy.ts'
import { openRemote, type ProviderWish } from './open-remote.ts'

/** A wall and providers that call it, both closed after each test. */
export function onTheWall() {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })
  const closed = <T extends { close(): Promise<void> }>(opened: T): T => {
    closing.push(() => opened.close())
    return opened
  }
  return {
    closed,
    wall: async (): Promise<ScriptedServer> => closed(await openScriptedServer(openaiChat)),
    remote: (origin: string, wish: ProviderWish = {}, policy: Partial<RemotePolicy> = {}) =>
      closed(openRemote({ baseUrl: `${origin}/v1`, ...wish }, { env: { A: 'key-a', B: 'key-b' } }, policy)),
  }
}

export const ref = (name: string) => `\${env:${name}}`
export const twoKeys = {
  accounts: [
    { name: 'a', key: ref('A') },
    { name: 'b', key: ref('B') },
  ],
}

export async function ask(upstream: TextUpstream, asked: Partial<Asked> = {}) {
  const sink = new Listening()
  upstream.start(callOf({ stream: true, ...asked }), sink)
  const outcome = await sink.done
  return { sink, outcome, text: sink.text, failure: outcome.failure }
}

export const status = (code: number, name: string, headers?: Record<string, string>): Script => ({
  fault: { kind: 'status', status: code, code: name, ...(headers === undefined ? {} : { headers }) },
})

export const RELAY: TextCall['work'] = {
  kind: 'relay',
  dialect: 'openai-chat',
  body: Buffer.from('{"model":"any-model","stream":true,"messages":[]}'),
}
