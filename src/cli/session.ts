import { resolve } from 'node:path'
import { type Credentials, dataFolder, readCredentials } from '../apps/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import { type Client, createClient } from '../sdk/index.ts'
import { createOutput, type Output } from './output.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly yes?: boolean
  readonly debug?: boolean
  readonly data?: string
  readonly control?: string
  readonly gateway?: string
  readonly key?: string
}

/** What a command works with: its output, the data folder, and a client once something runs. */
export interface Session {
  readonly options: GlobalOptions
  readonly output: Output
  readonly folder: string
  /** Throws `control_unavailable` when no credentials are found. */
  client(): Client
  credentials(): Credentials
}

export function openSession(options: GlobalOptions): Session {
  const folder = resolve(options.data ?? process.env.SLIPWAY_DATA ?? '.slipway')
  const credentials = (): Credentials => {
    const stored = readCredentials(dataFolder(folder).credentials)
    const control = options.control ?? process.env.SLIPWAY_CONTROL_URL ?? stored?.control
    const gateway = options.gateway ?? process.env.SLIPWAY_GATEWAY_URL ?? stored?.gateway
    const key = options.key ?? process.env.SLIPWAY_KEY ?? stored?.key
    if (control === undefined || gateway === undefined || key === undefined)
      throw new SlipwayError('control_unavailable', { url: `${folder} (no credentials there)` })
    return { control, gateway, key }
  }
  return {
    options,
    output: createOutput({ json: options.json === true, quiet: options.quiet === true }),
    folder,
    credentials,
    client() {
      const { control, gateway, key } = credentials()
      return createClient({ controlUrl: control, gatewayUrl: gateway, key })
    },
  }
}
