/**
 * Opens the store in the folder given (or by the URL after it), begins a job and writes batches until it is killed,
 * telling each one that is durable.
 */
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { openStore } from '../open-store.ts'
import { sampleRecord, withVersions } from './samples.ts'

const [dataFolder, databaseUrl] = process.argv.slice(2) as [string, string?]
const store = await openStore({ dataFolder, databaseUrl, logger: silentLogger(), clock: systemClock })
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
