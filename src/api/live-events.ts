import { latestPerKey } from './event-stream.ts'
import type { ApiParts } from './parts.ts'

/**
 * What pages live on. An event names what is new and carries it where it is small:
 * `change` (the change), `rollout` (rollout and newest looks), `windows` ({model}), `deployments` ({model}),
 * `traffic` (the split), `incidents` ({}), `models` ({model}). A page reads the rest over the ordinary routes.
 */
export function liveEvents(
  { store }: ApiParts,
  signal: AbortSignal,
): AsyncGenerator<{ event: string; data: unknown }> {
  const subscribe = (publish: (key: string) => void) => {
    publish('hello:')
    return store.watch((written) => publish(`${written.topic}:${written.key}`))
  }
  const render = async (key: string) => {
    const [topic, of] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)]
    switch (topic) {
      case 'changes':
        return { event: 'change', data: await store.changes.get(of) }
      case 'evidence':
        return { event: 'evidence', data: { change: of } }
      case 'rollouts':
      case 'looks':
        return { event: 'rollout', data: { rolloutId: of } }
      case 'traffic':
        return { event: 'traffic', data: (await store.traffic.get(of)) ?? { model: of } }
      case 'hello':
        return { event: 'hello', data: {} }
      case 'windows':
      case 'deployments':
      case 'incidents':
      case 'models':
        return { event: topic, data: { model: of } }
      default:
        return undefined
    }
  }
  return latestPerKey(subscribe, render, signal)
}
