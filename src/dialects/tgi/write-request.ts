import type { GenerateRequest } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { extrasAmong, put, putNamed, refuseKeys } from '../json/fields.ts'
import { onePrompt } from '../json/one-prompt.ts'

/** Parameters without a neutral form, which may come as extras. */
const EXTRAS = [
  'adapter_id',
  'best_of',
  'decoder_input_details',
  'do_sample',
  'return_full_text',
  'truncate',
  'typical_p',
  'watermark',
]

const LACKS = [
  'minP',
  'presencePenalty',
  'logitBias',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'reasoning',
  'serviceTier',
  'user',
  'metadata',
] as const satisfies (keyof GenerateRequest)[]

const NAMES = {
  maxOutputTokens: 'max_new_tokens',
  frequencyPenalty: 'frequency_penalty',
  repetitionPenalty: 'repetition_penalty',
  seed: 'seed',
  stop: 'stop',
} as const

/**
 * A request of `/generate` and `/generate_stream`: one prompt as it is, without a template. Details are always asked for,
 * since the reason of the end and the usage are in them. huggingface.co/docs/text-generation-inference, `GenerateParameters`.
 * Throws `UnsupportedFeature`.
 */
export function writeRequest(request: GenerateRequest): JsonObject {
  refuseKeys(request, LACKS, 'tgi')
  if (request.choices !== undefined && request.choices !== 1) throw new UnsupportedFeature('choices', 'tgi')
  const parameters: JsonObject = { ...extrasAmong(request.extras, EXTRAS, 'tgi'), details: true }
  putNamed(parameters, request, NAMES)
  writeDrawing(request, parameters)
  put(parameters, 'grammar', grammarOf(request.output))
  // Probabilities are told for each token anyway; that there are others beside it says that they were asked for.
  if (request.logprobs !== undefined) parameters.top_n_tokens = Math.max(1, request.logprobs.top)
  return { inputs: onePrompt(request, 'tgi'), parameters }
}

/** The server refuses 0 where others mean by it that the likeliest token is taken, and 1 where they mean all tokens. */
function writeDrawing({ temperature, topK, topP }: GenerateRequest, parameters: JsonObject): void {
  if (temperature === 0) {
    parameters.do_sample = false
    return
  }
  put(parameters, 'temperature', temperature)
  if (topK !== 0) put(parameters, 'top_k', topK)
  if (topP !== 1) put(parameters, 'top_p', topP)
}

function grammarOf(output: GenerateRequest['output']): JsonObject | undefined {
  if (output === undefined || output.format === 'text') return undefined
  if (output.format === 'json')
    throw new UnsupportedFeature('output', 'tgi', 'tgi has no JSON without a schema')
  return { type: 'json', value: output.schema }
}
