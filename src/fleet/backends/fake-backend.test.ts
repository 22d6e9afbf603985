import { digestOf } from '../../kernel/index.ts'
import { createFakeBackend } from '../testing/fake-backend.ts'
import { createVirtualClock } from '../testing/virtual-clock.ts'
import { type BackendPlace, conformsToBackend } from './backend.conformance.ts'

/** Simulations are only worth what the fake is: it keeps the same promises. */
conformsToBackend('fake', async (): Promise<BackendPlace> => {
  const fake = createFakeBackend({ clock: createVirtualClock() })
  const spec = (replicaId: string, label: string) => ({
    replicaId,
    model: 'spam',
    label,
    versionId: digestOf({ label }),
    spec: {
      engine: 'echo' as const,
      batching: { maxBatchSize: 32, maxQueueDelayMs: 5, maxQueueRows: 8192 },
      threads: 1,
      contract: {
        inputs: [{ name: 'x', dtype: 'float32' as const, shape: [] }],
        outputs: [{ name: 'y', dtype: 'float32' as const, shape: [] }],
      },
    },
    files: {},
    drainTimeoutMs: 1_000,
  })
  const backend = {
    ...fake,
    async start(wanted: ReturnType<typeof spec>) {
      await fake.start(wanted)
      setImmediate(() => {
        if (wanted.label === 'bad') fake.fail(wanted.replicaId, 'artifact_unreadable')
        else fake.becomeReady(wanted.replicaId)
      })
    },
  }
  return {
    backend,
    later: () => backend,
    good: (replicaId) => spec(replicaId, 'good'),
    bad: (replicaId) => spec(replicaId, 'bad'),
    kill: async (replicaId) => fake.kill(replicaId),
    close: async () => {},
  }
})
