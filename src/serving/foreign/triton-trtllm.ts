import type { VllmSettings } from '../../contracts/index.ts'
import type { ForeignCommand, ForeignKind, ForeignPlace } from './foreign-kind.ts'
import { PYTHON_ENDS, UNBUFFERED } from './python-ends.ts'

const REQUESTS = 'nv_trt_llm_request_metrics'

/**
 * Triton Inference Server with TensorRT-LLM, by Triton's own OpenAI front end, which runs the server in its process:
 * `tritonserver` alone has no chat completions. What the model is and how it runs stands in the model repository; the
 * requests' model name is a folder of it (the version's `modelName`). `python/openai/openai_frontend/main.py` knows no
 * key that is not an argument, so that requests show none.
 */
export const tritonTrtllm: ForeignKind = {
  name: 'triton-trtllm',
  usualCommand: ['python3', '/opt/tritonserver/python/openai/openai_frontend/main.py'],
  healthPath: '/health/ready',
  metricsPath: '/metrics',
  takesKey: false,
  command: (settings: VllmSettings, { host, ports }: ForeignPlace): ForeignCommand => ({
    arguments: [
      '--model-repository',
      settings.weights,
      '--backend',
      'tensorrtllm',
      '--host',
      host,
      '--openai-port',
      String(ports[0]),
    ],
    // Its README asks for it with TensorRT-LLM.
    environment: { TRTLLM_ORCHESTRATOR: '1', ...UNBUFFERED },
  }),
  metrics: {
    running: { names: [REQUESTS], labels: { request_type: 'active' } },
    waiting: { names: [REQUESTS], labels: { request_type: 'waiting' } },
    kvCacheShare: {
      names: ['nv_trt_llm_kv_cache_block_metrics'],
      labels: { kv_cache_block_type: 'fraction' },
      isShare: true,
    },
  },
  progress: [/(loading: .*)/, /(successfully loaded .*)/],
  ends: [
    { pattern: /(failed to load '.*' version .*)/, code: 'engine_refused' },
    { pattern: /(failed to stat file .*)/, code: 'engine_refused' },
    ...PYTHON_ENDS,
  ],
}
