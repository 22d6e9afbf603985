import { openaiChat, openScriptedServer } from '../../../test/wall/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { foreignReplica } from '../foreign-replica.ts'
import { conformsToTextUpstream, type OtherTextSide } from '../text/text-upstream.conformance.ts'
import { openRemote } from './testing/open-remote.ts'

conformsToTextUpstream('a remote provider', async () => {
  const other = await wallSide()
  return {
    upstream: openRemote({ baseUrl: `${other.origin}/v1`, maxRetries: 0 }),
    other,
    unsupported: { kind: 'rerank', request: { query: 'q', documents: ['d'] } },
  }
})

conformsToTextUpstream('a model server of another project as a replica', async () => {
  const other = await wallSide()
  return {
    upstream: foreignReplica({
      id: 'r-1',
      url: other.origin,
      kind: 'tgi',
      key: 'its-key',
      allowInner: true,
      model: 'chat',
      version: 'v1',
      clock: systemClock,
      random: Math.random,
      log: silentLogger(),
    }).text,
    other,
    unsupported: { kind: 'rerank', request: { query: 'q', documents: ['d'] } },
  }
})

/** Head, then the role-only event, then two of content: then it stops where it is to stop in the middle. */
const MIDDLE_STEP = 4

async function wallSide(): Promise<OtherTextSide & { readonly origin: string }> {
  const server = await openScriptedServer(openaiChat)
  const { truth } = openaiChat.fixtures.text
  let held = Promise.withResolvers<void>()
  const cancelled = (id: number) => server.seen((event) => event.what === 'left' && event.id === id)
  return {
    origin: server.origin,
    truth,
    hold(where) {
      const at = where === 'start' ? 0 : MIDDLE_STEP
      held = Promise.withResolvers<void>()
      const { promise } = held
      server.schedule((_, step) => (step === at ? promise : undefined))
    },
    release() {
      server.schedule(undefined)
      held.resolve()
    },
    next(fault) {
      if (fault === 'rejected') server.next({ fault: { kind: 'status', status: 400, code: 'invalid_value' } })
      else if (fault === 'fails')
        server.next({ fault: { kind: 'status', status: 500, code: 'server_error' } })
      else server.next({ fault: { kind: 'cut', afterEvents: 4 } })
    },
    seen: () => server.requests.length,
    async cancelled(count) {
      for (let id = 0; id < count; id++) await cancelled(id)
    },
    async said() {
      const id = server.requests.length - 1
      await server.seen((event) => event.what === 'done' && event.id === id)
    },
    vanish: () => server.vanish(),
    comeBack: () => server.comeBack(),
    close: () => server.close(),
  }
}
