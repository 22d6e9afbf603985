import { afterEach, describe, expect, test } from 'vitest'
import type { ObservedReplica, ReplicaBackend } from '../fleet.ts'

type Wanted = Parameters<ReplicaBackend['start']>[0]

/** A place where replicas can run, for one test. */
export interface BackendPlace {
  readonly backend: ReplicaBackend
  /** The backend of a control process that comes later, over the same place. */
  later(): ReplicaBackend
  /** A replica that becomes ready, and one whose artifact cannot be read. */
  good(replicaId: string): Wanted
  bad(replicaId: string): Wanted
  /** Ends it from outside, at once. */
  kill(replicaId: string): Promise<void>
  close(): Promise<void>
}

/** What every backend promises, whatever replicas are made of. */
export function conformsToBackend(name: string, open: () => Promise<BackendPlace>): void {
  describe(`${name}: as a backend`, () => {
    let place: BackendPlace
    afterEach(() => place.close())

    async function seen(
      backend: ReplicaBackend,
      replicaId: string,
      is: (replica: ObservedReplica | undefined) => boolean,
    ): Promise<ObservedReplica | undefined> {
      let undo = () => {}
      try {
        return await new Promise((resolve, reject) => {
          const limit = setTimeout(() => reject(new Error(`${replicaId}: not seen in time`)), 15_000)
          const look = async () => {
            const found = (await backend.list()).find((replica) => replica.replicaId === replicaId)
            if (!is(found)) return
            clearTimeout(limit)
            resolve(found)
          }
          // Only `watch` calls: a backend that does not tell fails here.
          undo = backend.watch(() => void look().catch(reject))
          look().catch(reject)
        })
      } finally {
        undo()
      }
    }
    const isReady = (replica: ObservedReplica | undefined) => replica?.status.phase === 'ready'

    test('a started replica is listed at once, and becomes ready', async () => {
      place = await open()
      const { backend } = place
      const wanted = place.good('r-1')
      await backend.start(wanted)
      expect(await backend.list()).toMatchObject([
        {
          replicaId: 'r-1',
          model: wanted.model,
          label: wanted.label,
          versionId: wanted.versionId,
          alive: true,
        },
      ])
      const ready = await seen(backend, 'r-1', isReady)
      expect(ready?.alive).toBe(true)
      expect(ready?.status.loadMs).not.toBeNull()
      expect(ready?.status.address).toMatch(/^(unix|tcp):/)
    })

    test('one that cannot load stays listed, dead, with the reason, until it is cleared', async () => {
      place = await open()
      const { backend } = place
      await backend.start(place.bad('r-1'))
      const failed = await seen(backend, 'r-1', (replica) => replica?.alive === false)
      expect(failed?.status.phase).toBe('failed')
      expect(failed?.status.failure?.code).toMatch(/^artifact_/)
      await backend.stop('r-1')
      expect(await backend.list()).toEqual([])
    })

    test('one that is killed is told of, and is listed as dead', async () => {
      place = await open()
      const { backend } = place
      await backend.start(place.good('r-1'))
      await seen(backend, 'r-1', isReady)
      await place.kill('r-1')
      const dead = await seen(backend, 'r-1', (replica) => replica?.alive === false)
      expect(dead?.status.loadMs).not.toBeNull()
    })

    test('a stopped one is gone when `stop` resolves; stopping twice, or nothing, is nothing', async () => {
      place = await open()
      const { backend } = place
      await backend.start(place.good('r-1'))
      await backend.start(place.good('r-2'))
      await seen(backend, 'r-1', isReady)
      await Promise.all([backend.stop('r-1'), backend.stop('r-1')])
      await backend.stop('r-1')
      await backend.stop('never-there')
      expect((await backend.list()).map((replica) => replica.replicaId)).toEqual(['r-2'])
    })

    test('replicas outlive the control process, and the next one takes them over', async () => {
      place = await open()
      await place.backend.start(place.good('r-1'))
      const before = await seen(place.backend, 'r-1', isReady)
      await place.backend.close()
      const later = place.later()
      expect(await later.list()).toEqual([before])
      await place.kill('r-1')
      await seen(later, 'r-1', (replica) => replica?.alive === false)
      await later.stop('r-1')
      expect(await later.list()).toEqual([])
      await later.close()
    })

    test('who stopped watching is not called', async () => {
      place = await open()
      let calls = 0
      place.backend.watch(() => calls++)()
      await place.backend.start(place.good('r-1'))
      await seen(place.backend, 'r-1', isReady)
      expect(calls).toBe(0)
    })
  })
}
