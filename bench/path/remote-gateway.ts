/** A gateway whose replicas are remote HTTP endpoints; else as `src/apps/gateway.ts` builds it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultGatewayLimits, Gateway } from '../../src/gateway/index.ts'
import { createLogger, onStopSignal, systemClock } from '../../src/kernel/index.ts'
import { httpUpstream } from '../../src/providers/index.ts'

const root = process.env.SLIPWAY_DATA as string
const gateway = new Gateway({
  name: 'gateway-0',
  host: '127.0.0.1',
  port: 0,
  reusePort: false,
  controlUrl: process.env.SLIPWAY_CONTROL_URL as string,
  internalKey: readFileSync(join(root, 'secrets', 'internal-key'), 'utf8'),
  pepper: Buffer.from(readFileSync(join(root, 'secrets', 'pepper'), 'utf8'), 'hex'),
  folder: join(root, 'gateway-0'),
  limits: defaultGatewayLimits,
  clock: systemClock,
  random: Math.random,
  log: createLogger('remote-gateway', { level: 'warn' }),
  openUpstream: ({ contract, model, replica, version }) =>
    httpUpstream({
      id: replica.id,
      url: `http://${replica.address.slice('tcp:'.length)}/predict`,
      model,
      version,
      inputs: contract.inputs,
      outputs: contract.outputs,
      allowInner: true,
    }),
})
onStopSignal(() => gateway.stop())
const port = await gateway.start()
writeFileSync(join(root, 'run', 'gateway-0.json'), JSON.stringify({ pid: process.pid, port, startedAt: 0 }))
