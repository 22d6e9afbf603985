import type { EmbedAnswer, EmbedRequest, TokenUsage } from '../../contracts/index.ts'
import { type JsonObject, type PlainProvider, type PlainSurface, UpstreamBroken } from '../dialect.ts'
import { Place } from '../json/place.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { charactersIn, plainGlance } from './glance.ts'
import { refuseError } from './read-error.ts'
import { readCostUsd, readUsage } from './usage.ts'

const MAX_INPUTS = 2048
const FIELDS: Readonly<Record<string, string>> = {
  inputs: 'input',
  encoding: 'encoding_format',
  purpose: 'input_type',
}

/** `POST /v1/embeddings` as clients call it. */
export const embeddingsSurface: PlainSurface<EmbedRequest, EmbedAnswer> = {
  glance: (body) => wholeGlance(body, charactersIn(body.input)),
  readRequest(body) {
    const root = new Place(body)
    const {
      dimensions: _,
      encoding_format: __,
      input: ___,
      input_type: ____,
      model: _____,
      params: ______,
      user: _______,
      ...rest
    } = body
    const extras = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
    const dimensions = root.at('dimensions').maybe((place) => place.integer(1))
    const encoding = root.at('encoding_format').maybe((place) => place.oneOf(['float', 'base64']))
    const purpose = root.at('input_type').maybe((place) => place.text(50))
    const user = root.at('user').maybe((place) => place.text(256))
    return {
      inputs: inputsOf(root.at('input')),
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(encoding === undefined ? {} : { encoding }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(user === undefined ? {} : { user }),
      ...(Object.keys(extras).length === 0 ? {} : { extras }),
    }
  },
  fieldOf: plainFieldOf(FIELDS),
  writeAnswer: ({ extras, usage, vectors }, { model }) => ({
    ...extras,
    object: 'list',
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model,
    ...promptUsage(usage),
  }),
}

/** Embeddings of OpenAI and of the servers that speak its dialect. */
export const embeddingsProvider: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest: ({ dimensions, encoding, extras, inputs, purpose, user }, model) => ({
    model,
    input: inputs,
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(encoding === undefined ? {} : { encoding_format: encoding }),
    // Not OpenAI's; vLLM, Jina and NVIDIA have it under this name.
    ...(purpose === undefined ? {} : { input_type: purpose }),
    ...(user === undefined ? {} : { user }),
    ...extras,
  }),
  readAnswer(body) {
    const told = wholeAnswer(body)
    const vectors: (number[] | string)[] = []
    const data = listOf(told.data)
    for (const [place, one] of data.entries()) {
      const { embedding, index } = objectOf(one) ?? {}
      const isVector = Array.isArray(embedding) && embedding.every((value) => typeof value === 'number')
      if (!isVector && typeof embedding !== 'string')
        throw new UpstreamBroken(brokenProblem(`entry ${place} of its answer has no embedding`))
      vectors[Number.isInteger(index) ? (index as number) : place] = embedding as number[] | string
    }
    if (data.length === 0 || vectors.length !== data.length || Object.keys(vectors).length !== data.length)
      throw new UpstreamBroken(brokenProblem('its answer does not have one embedding per input'))
    const model = textOf(told.model)
    const reportedCostUsd = readCostUsd(told.usage)
    return {
      ...(model === undefined ? {} : { providerModel: model }),
      vectors,
      usage: promptOnly(told.usage),
      ...(reportedCostUsd === null ? {} : { reportedCostUsd }),
    }
  },
}

function inputsOf(place: Place): EmbedRequest['inputs'] {
  const { value } = place
  if (typeof value === 'string') return [value]
  if (isIds(value)) return [value]
  const list = place.list(MAX_INPUTS)
  if (list.length === 0) place.fail('has nothing to embed')
  if (isIds(list[0]?.value))
    return list.map((one) => {
      if (!isIds(one.value)) one.fail('must be token ids, as the first is')
      return one.value as number[]
    })
  return list.map((one) => one.text())
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id))
}

/** Where nothing is generated, `usage` has the prompt and a total that is the same. */
export function promptOnly(value: unknown): TokenUsage {
  const told = objectOf(value)
  // Servers that tell the total only mean the prompt.
  const { output: _, ...rest } = readUsage(
    told === undefined ? undefined : { ...told, prompt_tokens: told.prompt_tokens ?? told.total_tokens },
  )
  return { ...rest, output: rest.input === null ? null : 0 }
}

export function promptUsage({ cacheRead, cacheWrite, input }: TokenUsage): JsonObject {
  if (input === null) return {}
  const prompt = input + (cacheRead ?? 0) + (cacheWrite ?? 0)
  return { usage: { prompt_tokens: prompt, total_tokens: prompt } }
}

export function wholeGlance(body: JsonObject, promptCharacters: number) {
  return {
    ...plainGlance(body, promptCharacters),
    stream: false,
    includeUsage: true,
    maxOutputTokens: 0,
    isSampled: false,
  }
}

/** Throws `UpstreamBroken` for what is no object, and for an error inside a 200. */
export function wholeAnswer(body: unknown): JsonObject {
  const told = objectOf(body)
  if (told === undefined) throw new UpstreamBroken(brokenProblem('its answer is not a JSON object'))
  refuseError(told)
  return told
}

export function plainFieldOf(fields: Readonly<Record<string, string>>): (feature: string) => string {
  return (feature) =>
    feature.startsWith('extras.') ? feature.slice('extras.'.length) : (fields[feature] ?? feature)
}
