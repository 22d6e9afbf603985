import { join } from 'node:path'
import type { VllmSettings } from '../../contracts/index.ts'
import type { ForeignCommand, ForeignKind, ForeignPlace } from './foreign-kind.ts'
import { PYTHON_ENDS } from './python-ends.ts'

/**
 * Hugging Face text-generation-inference 3, by `text-generation-launcher` (`launcher/src/main.rs`). Its router listens
 * when all shards are ready. Ports and sockets that it uses beside have fixed names by default, so that two on one
 * machine would meet: each replica gets its own.
 */
export const tgi: ForeignKind = {
  name: 'tgi',
  usualCommand: ['text-generation-launcher'],
  healthPath: '/health',
  metricsPath: '/metrics',
  takesKey: true,
  command: commandOf,
  // Token counts are the sums of histograms over requests.
  metrics: {
    running: { names: ['tgi_batch_current_size'] },
    waiting: { names: ['tgi_queue_size'] },
    inputTokens: { names: ['tgi_request_input_length_sum'] },
    outputTokens: { names: ['tgi_request_generated_tokens_sum'] },
  },
  progress: [
    /(Download(?:ing|ed)? .*)/,
    /(Waiting for shard to be ready.*)/,
    /(Shard ready in .*)/,
    /(Starting Webserver)/,
  ],
  ends: [
    // clap: "error: unexpected argument '--what' found", "error: invalid value 'x' for '--quantize <QUANTIZE>'"
    { pattern: /^error: (.+)$/, code: 'engine_refused', exitCode: 2 },
    { pattern: /Error: ArgumentValidation\("(.*)"\)/, code: 'engine_refused' },
    { pattern: /Error: (NotEnoughCUDADevices\(.*\))/, code: 'engine_refused' },
    { pattern: /(Not enough memory to handle .*)/, code: 'engine_out_of_memory' },
    ...PYTHON_ENDS,
  ],
}

function commandOf(
  settings: VllmSettings,
  { host, key, ports, scratchFolder }: ForeignPlace,
): ForeignCommand {
  const given: string[] = []
  const value = (flag: string, said: string | number | boolean | undefined) => {
    if (said !== undefined) given.push(flag, String(said))
  }
  value('--model-id', settings.weights)
  value('--hostname', host)
  value('--port', ports[0])
  value('--prometheus-port', ports[1])
  value('--master-port', ports[2])
  value('--shard-uds-path', join(scratchFolder, 'shard'))
  value('--dtype', settings.dtype)
  value('--quantize', settings.quantization)
  value('--kv-cache-dtype', settings.kvCacheDtype)
  value('--num-shard', settings.tensorParallel)
  value('--max-total-tokens', settings.maxModelTokens)
  value('--max-batch-size', settings.maxSequences)
  value('--cuda-memory-fraction', settings.gpuMemoryShare)
  value('--speculate', settings.speculative?.num_speculative_tokens)
  if (settings.loras.length > 0)
    value('--lora-adapters', settings.loras.map(({ name, path }) => `${name}=${path}`).join(','))
  return {
    arguments: given,
    environment: {
      API_KEY: key,
      ...flagOf('PREFIX_CACHING', settings.prefixCaching),
      ...flagOf('PREFILL_CHUNKING', settings.chunkedPrefill),
    },
  }
}

/** Both are read from the environment only (`server/text_generation_server/models/globals.py`). */
function flagOf(name: string, isOn: boolean | undefined): Record<string, string> {
  return isOn === undefined ? {} : { [name]: isOn ? '1' : '0' }
}
