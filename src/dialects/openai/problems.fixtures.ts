import type { ProblemClass } from '../dialect.ts'

const error = (fields: object) => JSON.stringify({ error: fields })

/** Errors of public servers of this dialect, as their references and source show them. */
export const chatProblems: readonly (readonly [
  name: string,
  status: number,
  body: string,
  expected: { class: ProblemClass; code?: string; detail?: string },
])[] = [
  [
    'OpenAI: context',
    400,
    error({
      message: "This model's maximum context length is 8192 tokens.",
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    }),
    { class: 'context-length', code: 'context_length_exceeded' },
  ],
  [
    'OpenAI: quota, though 429',
    429,
    error({
      message: 'You exceeded your current quota',
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    }),
    { class: 'quota', code: 'insufficient_quota' },
  ],
  [
    'OpenAI: quota, by its code alone',
    429,
    error({ message: 'No', type: 'insufficient_quota', code: 'insufficient_quota' }),
    { class: 'quota' },
  ],
  [
    'OpenAI: too busy, by its status alone',
    503,
    error({ message: 'Try again', type: 'server_error', code: null }),
    { class: 'overloaded' },
  ],
  [
    'OpenAI: rate of tokens',
    429,
    error({ message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' }),
    { class: 'rate-limited' },
  ],
  [
    'OpenAI: key',
    401,
    error({ message: 'Incorrect API key', type: 'invalid_request_error', code: 'invalid_api_key' }),
    { class: 'auth' },
  ],
  [
    'OpenAI: model',
    404,
    error({ message: 'The model does not exist', type: 'invalid_request_error', code: 'model_not_found' }),
    { class: 'not-found' },
  ],
  [
    'OpenAI: a parameter',
    400,
    error({
      message: 'Invalid temperature',
      type: 'invalid_request_error',
      param: 'temperature',
      code: null,
    }),
    { class: 'invalid', code: 'invalid_request_error', detail: 'Invalid temperature' },
  ],
  ['OpenAI: its own fault', 500, error({ message: 'Oops', type: 'server_error' }), { class: 'error' }],
  [
    'OpenAI: too busy',
    503,
    error({ message: 'Slow down', type: 'server_error', code: 'slow_down' }),
    { class: 'overloaded' },
  ],
  [
    'Azure: filter',
    400,
    error({
      message: 'The response was filtered',
      code: 'content_filter',
      innererror: { code: 'ResponsibleAIPolicyViolation' },
    }),
    { class: 'content-filter', code: 'ResponsibleAIPolicyViolation' },
  ],
  [
    'Azure: deployment',
    404,
    error({ code: 'DeploymentNotFound', message: 'No such deployment' }),
    { class: 'not-found' },
  ],
  [
    'vLLM: context',
    400,
    JSON.stringify({
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
      type: 'BadRequestError',
      code: 400,
    }),
    { class: 'context-length', code: 'BadRequestError' },
  ],
  [
    'vLLM: model',
    404,
    error({ message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 }),
    { class: 'not-found' },
  ],
  [
    'TGI: context',
    422,
    JSON.stringify({
      error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048.',
      error_type: 'validation',
    }),
    { class: 'context-length', code: 'validation' },
  ],
  [
    'TGI: busy, though 429',
    429,
    JSON.stringify({ error: 'Model is overloaded', error_type: 'overloaded' }),
    { class: 'overloaded' },
  ],
  [
    'Together: context',
    422,
    error({
      message: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193',
      type: 'invalid_request_error',
    }),
    { class: 'context-length' },
  ],
  [
    'Together: credit',
    402,
    error({ message: 'Credit limit exceeded', type: 'credit_limit' }),
    { class: 'quota' },
  ],
  [
    'Ollama: model',
    404,
    error({ message: "model 'x' not found", type: 'not_found_error' }),
    { class: 'not-found' },
  ],
  [
    'DeepSeek: balance',
    402,
    error({ message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }),
    { class: 'quota' },
  ],
  [
    'llama.cpp: context',
    400,
    error({
      code: 400,
      message: 'the request exceeds the available context size',
      type: 'exceed_context_size_error',
    }),
    { class: 'context-length' },
  ],
  [
    'OpenRouter: moderation',
    403,
    error({
      code: 403,
      message: 'Your input was flagged',
      metadata: { reasons: ['violence'], flagged_input: 'x' },
    }),
    { class: 'content-filter' },
  ],
  [
    'OpenRouter: words of its provider',
    429,
    error({
      code: 429,
      message: 'Provider returned error',
      metadata: { raw: 'too fast', provider_name: 'x' },
    }),
    { class: 'rate-limited', detail: 'Provider returned error: too fast' },
  ],
  [
    'Mistral: no error object',
    422,
    JSON.stringify({
      object: 'error',
      message: 'Extra inputs are not permitted',
      type: 'invalid_request_error',
    }),
    { class: 'invalid', detail: 'Extra inputs are not permitted' },
  ],
  [
    'FastAPI: places',
    422,
    JSON.stringify({ detail: [{ loc: ['body', 'messages'], msg: 'field required', type: 'missing' }] }),
    { class: 'invalid', detail: 'body.messages: field required' },
  ],
  [
    'Gemini: a list',
    429,
    JSON.stringify([{ error: { code: 429, message: 'Resource exhausted' } }]),
    { class: 'rate-limited' },
  ],
  [
    'a page of a proxy',
    502,
    '<html><body>Bad Gateway</body></html>',
    { class: 'error', detail: 'it answered 502' },
  ],
  ['words', 503, 'upstream connect error', { class: 'overloaded', detail: 'upstream connect error' }],
  ['nothing', 504, '', { class: 'timeout', detail: 'it answered 504' }],
]
