export interface Counted {
  running: number
  waiting: number
  requests: number
  inputTokens: number
  outputTokens: number
  firstTokenSeconds: number[]
}

/** The metrics page of each server, in its own names, labels and order, with the numbers of this one. */
export function metricsPage(server: string, counted: Counted): string {
  if (server === 'tgi') return tgiPage(counted)
  if (server === 'triton-trtllm') return tritonPage(counted)
  return vllmPage(counted)
}

function vllmPage(counted: Counted): string {
  const labels = 'engine="0",model_name="weights"'
  const lines: string[] = ['# HELP python_info Python platform information', 'python_info{major="3"} 1.0']
  const one = (name: string, type: string, value: number) => {
    lines.push(`# HELP vllm:${name} As vLLM says it.`, `# TYPE vllm:${name} ${type}`)
    const series = type === 'counter' ? `${name}_total` : name
    lines.push(`vllm:${series}{${labels}} ${value.toFixed(1)}`)
  }
  one('num_requests_running', 'gauge', counted.running)
  one('num_requests_waiting', 'gauge', counted.waiting)
  lines.push('# TYPE vllm:kv_cache_usage_perc gauge', `vllm:kv_cache_usage_perc{${labels}} 0.25`)
  one('prefix_cache_queries', 'counter', counted.inputTokens)
  one('prefix_cache_hits', 'counter', Math.floor(counted.inputTokens / 2))
  one('num_preemptions', 'counter', 0)
  one('prompt_tokens', 'counter', counted.inputTokens)
  one('generation_tokens', 'counter', counted.outputTokens)
  one('spec_decode_num_draft_tokens', 'counter', 10)
  one('spec_decode_num_accepted_tokens', 'counter', 7)
  lines.push('# TYPE vllm:time_to_first_token_seconds histogram')
  for (const le of [0.001, 0.005, 0.1, 1, 10])
    lines.push(
      `vllm:time_to_first_token_seconds_bucket{engine="0",le="${le}",model_name="weights"} ${counted.firstTokenSeconds.filter((each) => each <= le).length}.0`,
    )
  const count = counted.firstTokenSeconds.length
  const sum = counted.firstTokenSeconds.reduce((total, each) => total + each, 0)
  lines.push(
    `vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="weights"} ${count}.0`,
    `vllm:time_to_first_token_seconds_count{${labels}} ${count}.0`,
    `vllm:time_to_first_token_seconds_sum{${labels}} ${sum}`,
    `vllm:time_to_first_token_seconds_created{${labels}} 1.7e+09`,
  )
  return `${lines.join('\n')}\n`
}

function tgiPage(counted: Counted): string {
  return `# TYPE tgi_batch_current_size gauge
tgi_batch_current_size ${counted.running}

# TYPE tgi_queue_size gauge
tgi_queue_size ${counted.waiting}

# TYPE tgi_request_input_length histogram
tgi_request_input_length_bucket{le="0"} 0
tgi_request_input_length_bucket{le="+Inf"} ${counted.requests}
tgi_request_input_length_sum ${counted.inputTokens}
tgi_request_input_length_count ${counted.requests}

# TYPE tgi_request_generated_tokens histogram
tgi_request_generated_tokens_sum ${counted.outputTokens}
tgi_request_generated_tokens_count ${counted.requests}
`
}

function tritonPage(counted: Counted): string {
  return `# HELP nv_trt_llm_request_metrics TRT LLM request metrics
# TYPE nv_trt_llm_request_metrics gauge
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} ${counted.waiting}
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="active",version="1"} ${counted.running}
# TYPE nv_trt_llm_kv_cache_block_metrics gauge
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.4875
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm",version="1"} 1
`
}
