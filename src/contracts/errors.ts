/**
 * Every error a person can meet, in one table: status, what happened, what to do.
 * `{name}` is filled from the parameters of the error. `docs/errors.md` is generated from this table and a test
 * holds the two together. Kept in alphabetical order.
 */
export const errorTable = {
  artifact_digest_mismatch: [
    422,
    'The artifact is {actual}, not {expected}.',
    'Upload the file again, or pin the digest it has.',
  ],
  artifact_missing: [
    404,
    'No artifact {digest} is stored.',
    'Upload it with PUT /api/v1/artifacts/{digest}.',
  ],
  artifact_unreadable: [
    422,
    'The artifact {name} cannot be read as {format}: {reason}.',
    'Export the model again and check the file size.',
  ],
  artifact_unsafe: [
    422,
    'The artifact {name} is a pickle, and loading one runs what is written in it: {reason}.',
    'Save the model as safetensors, ONNX, GGUF or in the own format of its library.',
  ],
  batch_conflict: [
    409,
    'Batch {batch} is {status}; it cannot {action}.',
    'See GET /v1/batches/{batch}; a batch that ended stays as it is.',
  ],
  batch_input_invalid: [
    400,
    'The file {file} cannot be the input of a batch: {reason}.',
    'Upload JSON lines with the purpose batch and name that file.',
  ],
  body_not_json: [
    400,
    'The body is not JSON: {reason}.',
    'Send application/json that parses; see GET /api/v1/openapi.json.',
  ],
  body_too_deep: [400, 'The body nests deeper than {limit} levels.', 'Flatten the body.'],
  body_too_large: [413, 'The body is larger than {limitBytes} bytes.', 'Send fewer rows a request.'],
  body_unreadable: [400, 'The body ended before it was whole.', 'Send the whole body; check content-length.'],
  bundle_invalid: [
    422,
    'The bundle does not verify: {reason}.',
    'Ask for a fresh bundle; do not act on this one.',
  ],
  change_conflict: [
    409,
    'Change {change} is {state}; it cannot {action}.',
    'See GET /api/v1/changes/{change}.',
  ],
  change_file_invalid: [422, '{file}:{line}: {reason}', '{hint}'],
  check_failed: [
    500,
    'The check {check} could not be run: {reason}.',
    'Run `slipway change run` again; finished blocks are kept.',
  ],
  concurrency_limited: [
    429,
    'This key may have {limit} requests in flight.',
    'Retry after {retryAfterMs} ms.',
  ],
  conflict: [409, '{what} exists already.', 'Choose another name, or change the existing one.'],
  content_filtered: [
    400,
    'The provider will not answer this: {reason}.',
    'Change what was asked; the provider decides on this, not the gateway.',
  ],
  context_too_long: [
    400,
    'What was sent does not fit the model: {reason}.',
    'Send less, or ask for fewer tokens in the answer.',
  ],
  contract_broken: [
    422,
    'The artifact of {model} {version} does not fit its contract: {reason}.',
    'Correct the contract of the version, or export the model again.',
  ],
  control_unavailable: [
    503,
    'Control does not answer at {url}.',
    'Start it with `slipway up`; see `slipway logs control`.',
  ],
  dataset_invalid: [
    422,
    'Dataset {dataset}, line {line}: {reason}.',
    'Correct the line and register the dataset again.',
  ],
  dataset_missing: [404, 'No dataset is called "{dataset}".', 'Register it, or see GET /api/v1/datasets.'],
  deadline_exceeded: [
    504,
    'The answer was not ready within {timeoutMs} ms.',
    'Raise x-slipway-timeout-ms, or send fewer rows.',
  ],
  deployment_failed: [
    422,
    '{model} {version} could not be started: {reason}.',
    'See the log of the replica, correct the version and deploy it again.',
  ],
  engine_ended: [
    500,
    'The {server} of {model} {version} ended: {reason}.',
    'See the log of the replica; it is started again by itself.',
  ],
  engine_out_of_memory: [
    500,
    'The {server} of {model} {version} has not enough memory: {reason}.',
    'Lower maxModelTokens or maxSequences, quantise, spread it over more GPUs, or see what else uses the GPU.',
  ],
  engine_refused: [
    422,
    'The {server} of {model} {version} does not start like this: {reason}.',
    'Correct the settings of the version; docs/vllm.md has every setting and its flag.',
  ],
  engine_silent: [
    500,
    'The {server} of {model} {version} runs and answers nothing: {reason}.',
    'See the log of the replica; it is started again by itself.',
  ],
  engine_too_slow: [
    500,
    'The {server} of {model} {version} was not ready within {timeoutMs} ms; last it said: {reason}.',
    'Raise startTimeoutMs of the version, or look at what the weights are loaded from.',
  ],
  etag_mismatch: [412, '{what} changed since you read it.', 'Read it again and repeat the change.'],
  file_invalid: [
    400,
    'The file was not taken: {reason}.',
    'Send multipart/form-data with purpose and file; see docs/batches.md.',
  ],
  file_not_inlined: [
    400,
    'The file {file} has the purpose {purpose}, so it is not put into requests.',
    'Upload it with the purpose user_data or vision.',
  ],
  file_quota_reached: [
    413,
    'The files of {tenant} would hold more than {quotaBytes} bytes.',
    'Delete files that are not needed any more.',
  ],
  forbidden: [
    403,
    'This key does not have the scope {scope}.',
    'Use a key that has it: `slipway keys create --scope {scope}`.',
  ],
  guardrail_blocked: [
    400,
    'The rule {rule} turned this away: {reason}.',
    'Change what was asked; the owner of the model sets its rules.',
  ],
  headers_too_large: [
    431,
    'The request line and headers are larger than {limitBytes} bytes.',
    'Send fewer or shorter headers.',
  ],
  headers_too_slow: [
    408,
    'The request did not arrive within {timeoutMs} ms.',
    'Send the headers and body at once.',
  ],
  internal: [500, 'Something broke on our side.', 'Report the request id; the log has the cause.'],
  invalid_request: [422, '{reason}', 'See GET /api/v1/openapi.json for the form.'],
  limit_reached: [429, 'The limit of {what} is reached.', 'Retry after {retryAfterMs} ms.'],
  method_not_allowed: [405, '{method} is not offered at {path}.', 'Offered: {allowed}.'],
  model_failed: [
    502,
    '{model} {version} failed on this input: {reason}.',
    'Check the input; the request is kept as a failure case.',
  ],
  model_not_text: [
    400,
    '{model} {version} answers rows, not text.',
    'Use POST /api/v1/models/{model}/predict; GET /v1/models lists the models of text.',
  ],
  no_traffic: [
    503,
    '{model} has no version that takes traffic.',
    'Set it with PUT /api/v1/deployments/{model}/traffic.',
  ],
  overloaded: [503, '{what} is full.', 'Retry after {retryAfterMs} ms.'],
  policy_invalid: [
    422,
    'The policy {file} is invalid: {reason}.',
    'Mend the file, or take it away for the built-in policy; docs/checks.md says what a policy may say.',
  ],
  port_in_use: [500, 'Port {port} on {host} is taken.', 'Stop what uses it, or choose another with {flag}.'],
  provider_unready: [
    503,
    'The provider {provider} takes no requests just now: {reason}.',
    'Retry after {retryAfterMs} ms.',
  ],
  rate_limited: [429, 'This key may send {limit} requests a second.', 'Retry after {retryAfterMs} ms.'],
  replica_lost: [
    502,
    'The replica of {model} {version} went away during the request.',
    'Retry; the request may have been computed.',
  ],
  replica_unready: [503, '{model} {version} has no ready replica.', 'Retry after {retryAfterMs} ms.'],
  request_malformed: [400, 'The request is not proper HTTP: {reason}.', 'Send HTTP/1.1; see RFC 9112.'],
  rollout_conflict: [
    409,
    'Rollout {rollout} is {state}; it cannot {action}.',
    'See GET /api/v1/changes/{change}/rollout.',
  ],
  rows_invalid: [422, 'inputs[{row}].{field}: {reason}.', 'See the contract at GET /api/v1/models/{model}.'],
  shutting_down: [503, 'This process is stopping and takes no new work.', 'Retry; another one answers.'],
  sign_off_refused: [
    403,
    'This sign-off would not count: {reason}.',
    'Ask somebody else to read the evidence and sign.',
  ],
  store_incompatible: [
    500,
    'The store cannot be used by this version of Slipway: {reason}.',
    'Run the version that last used it, or a newer one.',
  ],
  store_locked: [
    500,
    'The store in {folder} is open in process {pid}.',
    'Stop that process, or choose another data folder.',
  ],
  store_unavailable: [
    503,
    'The store does not answer: {reason}.',
    'Check DATABASE_URL and the disk, then retry.',
  ],
  target_failed: [502, '{target} cannot be measured: {reason}.', '{toDo}'],
  target_invalid: [
    422,
    'The target {target} cannot be used: {reason}.',
    'Write kind+url#model, such as openai+http://127.0.0.1:8000/v1#llama; see `slipway lab latency --help`.',
  ],
  too_many_rows: [413, '{rows} rows are more than {limit} a request.', 'Send them in several requests.'],
  traffic_inactive: [
    422,
    '{model} {version} is {status}, so it cannot take traffic.',
    'Deploy it first: POST /api/v1/deployments.',
  ],
  traffic_not_whole: [
    422,
    'Traffic adds up to {sum} %, not 100 %.',
    'Change a share, or leave one out to give it the rest.',
  ],
  unauthenticated: [
    401,
    'The request carries no valid key.',
    'Send authorization: Bearer slw_…; see `slipway keys`.',
  ],
  unknown_batch: [404, 'No batch is called "{batch}".', 'See GET /v1/batches; each tenant sees its own.'],
  unknown_change: [404, 'No change is called "{change}".', 'See GET /api/v1/changes.'],
  unknown_file: [
    404,
    'No file is called "{file}".',
    'See GET /v1/files; a file may have expired, and each tenant sees its own.',
  ],
  unknown_key: [404, 'No key has the id "{key}".', 'See GET /api/v1/keys.'],
  unknown_model: [404, 'No model is called "{model}".', 'See GET /api/v1/models.'],
  unknown_provider: [404, 'No provider is called "{provider}".', 'See GET /api/v1/providers.'],
  unknown_rollout: [404, 'No rollout is called "{rollout}".', 'See GET /api/v1/changes/{change}/rollout.'],
  unknown_route: [404, 'Nothing is at {method} {path}.', 'See GET /api/v1/openapi.json.'],
  unknown_version: [404, '{model} has no version "{version}".', 'See GET /api/v1/models/{model}/versions.'],
  unsupported_field: [
    400,
    'What answers for {model} does not have {field}.',
    'Leave {field} out, or allow that with the header x-slipway-drop: {field}.',
  ],
  unsupported_media_type: [
    415,
    'This path does not take {mediaType}.',
    'Send application/json, or application/octet-stream for raw rows.',
  ],
  upstream_failed: [
    502,
    'What answers for {model} failed: {reason}.',
    'Retry; the request may have been computed.',
  ],
  upstream_overloaded: [
    503,
    'What answers for {model} is overloaded: {reason}.',
    'Retry after {retryAfterMs} ms.',
  ],
  upstream_rate_limited: [
    429,
    'What answers for {model} limits its rate: {reason}.',
    'Retry after {retryAfterMs} ms.',
  ],
  upstream_rejected: [400, 'What answers for {model} refused the request: {reason}.', 'Correct the request.'],
  upstream_truncated: [
    502,
    'The answer of {model} ended before it was whole.',
    'Retry; what came so far is not the whole answer.',
  ],
  waiver_refused: [
    403,
    'This waiver would not count: {reason}.',
    'Ask somebody else who may approve; they answer for it until its end.',
  ],
  workload_invalid: [
    422,
    '{file}:{line}: {reason}.',
    'Correct the line; docs/checks/latency.md tells what a recording holds.',
  ],
} as const satisfies Record<string, readonly [status: number, title: string, hint: string]>

export type ErrorCode = keyof typeof errorTable
