import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { packageRoot, writeWhole } from '../apps/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import { type Client, type DatasetFile, parseModelFile, readTexts, uploadFiles } from '../sdk/index.ts'
import { beside } from './propose.ts'
import { gatewayCaughtUp } from './wait-for-gateway.ts'

/** Where the samples lie, in a checkout and in the installed package. */
export function samplePath(...parts: string[]): string {
  return join(packageRoot(), 'samples', ...parts)
}

export interface ServedModel {
  readonly model: string
  readonly champion: string
  readonly engine: string
  readonly replicas: number
}

/** Registers the model of a model file with its champion and datasets, and runs the champion; sends its traffic too where
 * a traffic file is given. Safe to repeat. */
export async function serveModelFile(
  client: Client,
  path: string,
  trafficFile?: string,
): Promise<ServedModel> {
  const file = parseModelFile(await readFile(path, 'utf8'), path)
  const { model } = await client.call('createModel', { body: file.model })
  const read = beside(path)
  const spec = file.champion.spec(
    await uploadFiles(client, file.files, read),
    await readTexts(file.texts, read),
  )
  await client.call('createVersion', { params: { model }, body: { label: file.champion.label, spec } })
  for (const dataset of file.datasets) await registerDataset(client, model, path, dataset)
  // Whoever serves by now was put there by a change or a person, and a model file does not take that back.
  const { champion: serving } = await client.call('getModel', { params: { model } })
  if (serving === null)
    await client.call('createDeployment', {
      body: {
        model_name: model,
        version: file.champion.label,
        traffic_percent: 100,
        resources: { replicas: file.champion.replicas },
      },
    })
  const champion = serving ?? file.champion.label
  await waitUntilActive(client, model, champion)
  await gatewayCaughtUp(client, 5000)
  if (file.traffic !== undefined && trafficFile !== undefined)
    await startTraffic(client, model, file.traffic, trafficFile)
  return { model, champion, engine: spec.engine, replicas: file.champion.replicas }
}

async function registerDataset(
  client: Client,
  model: string,
  path: string,
  dataset: DatasetFile,
): Promise<void> {
  const packed = await readFile(resolve(dirname(path), dataset.path))
  const text = (dataset.path.endsWith('.gz') ? gunzipSync(packed) : packed).toString('utf8')
  const items = text
    .split('\n')
    .map((line, index) => (line === '' ? '' : JSON.stringify(dataset.item(JSON.parse(line), index + 1))))
    .join('\n')
  await client.call(
    'putDataset',
    { params: { dataset: dataset.name }, query: { model }, body: gzipSync(items) },
    { timeoutMs: 60_000 },
  )
}

async function waitUntilActive(client: Client, model: string, version: string): Promise<void> {
  const untilMs = performance.now() + 60_000
  while (performance.now() < untilMs) {
    const { items } = await client.call('getDeployments', { params: { model } })
    const deployment = items.find((row) => row.version === version)
    if (deployment?.status === 'active' && deployment.traffic_pct > 0) return
    if (deployment?.status === 'failed')
      throw new SlipwayError('check_failed', {
        check: 'deployment',
        reason: deployment.reason ?? `${version} failed`,
      })
    await new Promise((settle) => setTimeout(settle, 100))
  }
  throw new SlipwayError('replica_unready', { model, version, retryAfterMs: 1000 })
}

/** Real mails of the sample as live traffic; a process that the supervisor keeps running while this file is there. */
async function startTraffic(
  client: Client,
  model: string,
  traffic: { readonly dataset: string; readonly requestsPerSecond: number | undefined },
  trafficFile: string,
): Promise<void> {
  const { key } = await client.call('createKey', {
    body: { name: 'sample traffic', scopes: ['predict', 'read'] },
  })
  writeWhole(trafficFile, `${JSON.stringify({ model, ...traffic, key }, null, 2)}\n`, 0o600)
}
