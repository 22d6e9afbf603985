/** Batches over a store on disk, as control has them, in a process that a test can kill: `<data folder> <gateway> <key>`. */
import { createBatches, defaultBatchLimits, gatewayAsker } from '../../src/batches/index.ts'
import { createLogger, systemClock } from '../../src/kernel/index.ts'
import { openStore } from '../../src/store/index.ts'

const [dataFolder = '', gatewayUrl = '', internalKey = ''] = process.argv.slice(2)
const logger = createLogger('batches')
const store = await openStore({ dataFolder, logger, clock: systemClock })
const limits = { ...defaultBatchLimits, sweepMs: 500 }
const { maxAnswerBytes } = limits
const batches = createBatches({
  store,
  asker: gatewayAsker({ gatewayUrl, internalKey, connections: 8, maxAnswerBytes }),
  clock: systemClock,
  logger,
  limits,
})
await batches.open()
process.send?.('ready')
store.watch(({ key, topic }) => {
  if (topic !== 'batches') return
  void store.batches
    .find(key)
    .then((batch) => process.send?.({ status: batch?.status, counts: batch?.counts }))
})
