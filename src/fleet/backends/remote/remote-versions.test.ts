import { describe, expect, test } from 'vitest'
import { textContract, versionSpec } from '../../../contracts/index.ts'
import { digestOf } from '../../../kernel/index.ts'
import { createFakeBackend } from '../../testing/fake-backend.ts'
import { createVirtualClock } from '../../testing/virtual-clock.ts'
import { withRemoteVersions } from './remote-versions.ts'

const clock = createVirtualClock()
const wanted = (replicaId: string, engine: 'openai' | 'echo') => ({
  replicaId,
  model: 'chat',
  label: 'v1',
  versionId: digestOf({ engine }),
  spec: versionSpec.parse({ engine, provider: 'house', modelName: 'm', contract: textContract }),
  files: {},
  drainTimeoutMs: 1000,
})

describe('a version that a provider runs', () => {
  test('is ready when it is started, without a process, and gone when it is stopped', async () => {
    const local = createFakeBackend({ clock })
    const backend = withRemoteVersions(local, clock)
    let told = 0
    const undo = backend.watch(() => told++)
    await backend.start(wanted('r-1', 'openai'))
    expect(await backend.list()).toMatchObject([
      { replicaId: 'r-1', alive: true, status: { phase: 'ready', address: 'remote:house' } },
    ])
    expect(await local.list()).toEqual([])
    await backend.stop('r-1')
    expect(await backend.list()).toEqual([])
    expect(told).toBe(2)
    undo()
    await backend.start(wanted('r-2', 'openai'))
    expect(told).toBe(2)
  })

  test('leaves engines that run here to the backend of this machine', async () => {
    const local = createFakeBackend({ clock })
    const backend = withRemoteVersions(local, clock)
    await backend.start(wanted('r-1', 'echo'))
    await backend.start(wanted('r-2', 'openai'))
    expect((await local.list()).map(({ replicaId }) => replicaId)).toEqual(['r-1'])
    expect((await backend.list()).map(({ replicaId }) => replicaId)).toEqual(['r-1', 'r-2'])
    await backend.stop('r-1')
    expect((await backend.list()).map(({ replicaId }) => replicaId)).not.toContain('r-1')
  })
})
