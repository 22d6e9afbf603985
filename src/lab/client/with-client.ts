import {
  createGatewayClient,
  type GatewayClient,
  type GatewayClientOptions,
  type GatewayTarget,
} from './gateway-client.ts'

/**
 * Asks the model of a plan through a client of its own, which is closed in the end, and at once when the run is
 * stopped.
 */
export async function withGatewayClient<T>(
  { gatewayUrl, key }: Pick<GatewayTarget, 'gatewayUrl' | 'key'>,
  { model, timeoutMs }: Pick<GatewayClientOptions, 'model' | 'timeoutMs'>,
  more: Pick<GatewayClientOptions, 'connections' | 'keepBodies'>,
  signal: AbortSignal,
  ask: (client: GatewayClient) => Promise<T>,
): Promise<T> {
  const client = createGatewayClient({ gatewayUrl, key, model, timeoutMs, ...more })
  const stop = () => void client.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await ask(client)
  } finally {
    signal.removeEventListener('abort', stop)
    await client.close()
  }
}
