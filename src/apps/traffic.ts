import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type DatasetItem, datasetItem } from '../contracts/index.ts'
import { createLogger, onStopSignal, systemClock } from '../kernel/index.ts'
import { startTraffic } from '../lab/index.ts'
import { createClient } from '../sdk/index.ts'

/**
 * Live traffic of the sample: its real mails, again and again, each with an id of its own, from twenty thousand users.
 * A trickle while nothing moves, so that a machine left alone stays quiet; more while a canary needs evidence.
 */
const QUIET_PER_SECOND = 20
const CANARY_PER_SECOND = 2500

const settings = z
  .object({
    model: z.string(),
    dataset: z.string(),
    key: z.string(),
    requestsPerSecond: z.number().positive().default(CANARY_PER_SECOND),
  })
  .parse(JSON.parse(readFileSync(join(process.env.SLIPWAY_DATA ?? '.slipway', 'traffic.json'), 'utf8')))
const gatewayUrl = process.env.SLIPWAY_GATEWAY_URL ?? 'http://127.0.0.1:8080'
const client = createClient({
  controlUrl: process.env.SLIPWAY_CONTROL_URL ?? 'http://127.0.0.1:8081',
  gatewayUrl,
  key: settings.key,
})
const logger = createLogger('traffic')

const items = await readItems()
const traffic = startTraffic({
  gatewayUrl,
  key: settings.key,
  model: settings.model,
  rows: endlessly(items),
  ratePerSecond: QUIET_PER_SECOND,
  clock: systemClock,
})
logger.info({ model: settings.model, items: items.length }, 'traffic started')

const adapt = setInterval(() => {
  wantedRate().then(
    (rate) => traffic.setRate(rate),
    (error: unknown) => logger.warn({ err: error }, 'control did not say which changes are open'),
  )
}, 1000)

onStopSignal(async () => {
  clearInterval(adapt)
  await traffic.stop()
  logger.info({ counts: traffic.counts() }, 'traffic stopped')
})

async function wantedRate(): Promise<number> {
  const { items: changes } = await client.call('listChanges', {
    query: { model: settings.model, open: true },
  })
  return changes.some((change) => change.state === 'canary') ? settings.requestsPerSecond : QUIET_PER_SECOND
}

async function readItems(): Promise<DatasetItem[]> {
  const { items: datasets } = await client.call('listDatasets')
  const dataset = datasets.find((one) => one.name === settings.dataset)
  if (dataset === undefined) throw new Error(`no dataset ${settings.dataset}`)
  const content = await client.call('getArtifact', { params: { digest: dataset.digest } })
  const lines = Buffer.from(content).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => datasetItem.parse(JSON.parse(line)))
}

function* endlessly(from: readonly DatasetItem[]): Generator<Record<string, unknown>> {
  for (;;) for (const item of from) yield item.inputs
}
