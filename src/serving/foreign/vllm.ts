import type { VllmSettings } from '../../contracts/index.ts'
import type { ForeignCommand, ForeignKind, ForeignPlace } from './foreign-kind.ts'
import { PYTHON_ENDS, UNBUFFERED } from './python-ends.ts'

/**
 * `vllm serve`, its OpenAI-compatible server; flags as in releases from 0.8.5 on (`vllm/engine/arg_utils.py`,
 * `vllm/entrypoints/openai/cli_args.py`). It binds its port at once and listens when the engine is loaded, so that
 * connections are refused until then.
 */
export const vllm: ForeignKind = {
  name: 'vllm',
  usualCommand: ['vllm', 'serve'],
  healthPath: '/health',
  metricsPath: '/metrics',
  takesKey: true,
  command: commandOf,
  // prometheus_client adds _total to counters. Names with gpu_ are those before 0.9.2.
  metrics: {
    running: { names: ['vllm:num_requests_running'] },
    waiting: { names: ['vllm:num_requests_waiting'] },
    kvCacheShare: { names: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'], isShare: true },
    prefixQueriedTokens: {
      names: ['vllm:prefix_cache_queries_total', 'vllm:gpu_prefix_cache_queries_total'],
    },
    prefixHitTokens: { names: ['vllm:prefix_cache_hits_total', 'vllm:gpu_prefix_cache_hits_total'] },
    inputTokens: { names: ['vllm:prompt_tokens_total'] },
    outputTokens: { names: ['vllm:generation_tokens_total'] },
    preemptions: { names: ['vllm:num_preemptions_total'] },
    draftedTokens: { names: ['vllm:spec_decode_num_draft_tokens_total'] },
    acceptedTokens: { names: ['vllm:spec_decode_num_accepted_tokens_total'] },
  },
  firstTokenSeconds: 'vllm:time_to_first_token_seconds',
  progress: [
    /(Starting to load model .*)/,
    /(Loading (?:safetensors|pt) checkpoint shards:\s+\d+% Completed \| \d+\/\d+)/,
    /(Model loading took .*)/,
    /(torch\.compile takes .*)/,
    /(Capturing CUDA graph[^:]*:\s+\d+%)/,
    /(Graph capturing finished .*)/,
    /(init engine \(profile, create kv cache, warmup model\) took .*)/,
  ],
  ends: [
    ...PYTHON_ENDS,
    // vllm/v1/core/kv_cache_utils.py
    { pattern: /(No available memory for the cache blocks.*)/, code: 'engine_out_of_memory' },
    { pattern: /(To serve at least one request with the model.*)/, code: 'engine_out_of_memory' },
    // vllm/v1/worker
    { pattern: /(Free memory on device .* on startup is less than .*)/, code: 'engine_out_of_memory' },
    // vllm/config, vllm/lora/peft_helper.py, vllm/transformers_utils/config.py
    { pattern: /(Unknown quantization method: .*)/, code: 'engine_refused' },
    { pattern: /(Quantization method specified in the model config .*)/, code: 'engine_refused' },
    { pattern: /(LoRA rank \d+ is greater than max_lora_rank.*)/, code: 'engine_refused' },
    { pattern: /(Invalid repository ID or local directory specified:.*)/, code: 'engine_refused' },
  ],
}

function commandOf(settings: VllmSettings, { host, key, ports, servedName }: ForeignPlace): ForeignCommand {
  const given: string[] = []
  const value = (flag: string, said: string | number | undefined) => {
    if (said !== undefined) given.push(flag, String(said))
  }
  const toggle = (name: string, isOn: boolean | undefined) => {
    if (isOn !== undefined) given.push(isOn ? `--${name}` : `--no-${name}`)
  }
  value('--host', host)
  value('--port', ports[0])
  value('--served-model-name', servedName)
  value('--dtype', settings.dtype)
  value('--quantization', settings.quantization)
  value('--kv-cache-dtype', settings.kvCacheDtype)
  value('--tensor-parallel-size', settings.tensorParallel)
  value('--pipeline-parallel-size', settings.pipelineParallel)
  value('--max-model-len', settings.maxModelTokens)
  value('--max-num-seqs', settings.maxSequences)
  value('--gpu-memory-utilization', settings.gpuMemoryShare)
  toggle('enable-prefix-caching', settings.prefixCaching)
  toggle('enable-chunked-prefill', settings.chunkedPrefill)
  if (settings.speculative !== undefined) value('--speculative-config', JSON.stringify(settings.speculative))
  if (settings.loras.length > 0)
    given.push(
      '--enable-lora',
      '--lora-modules',
      ...settings.loras.map(({ name, path }) => `${name}=${path}`),
    )
  return { arguments: [settings.weights, ...given], environment: { VLLM_API_KEY: key, ...UNBUFFERED } }
}
