/** Opens the embedded store in the folder given and writes batches until it is killed, telling each one that is durable. */
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { openStore } from '../open-store.ts'
import { sampleRecord, withVersions } from './samples.ts'

const dataFolder = process.argv[2] as string
const store = await openStore({ dataFolder, logger: silentLogger(), clock: systemClock })
await withVersions(store)
await store.jobs.send('checks', { n: 1 }, { key: 'c-aaaa' })
await store.jobs.work('checks', async () => {
  process.stdout.write('job\n')
  await new Promise(() => undefined)
})
for (let sequence = 0; ; sequence++) {
  const records = [1, 2, 3].map((part) => sampleRecord({ requestId: `r-${sequence}-${part}` }))
  await store.requestLog.append({ gateway: 'g', sequence }, records)
  process.stdout.write(`${sequence}\n`)
}
