import {
  isRemoteEngine,
  type Model,
  type NewVersion,
  type ProviderKind,
  type RemoteEngine,
  textContract,
  type VersionSpec,
} from '../contracts/index.ts'
import { canonicalJson, SlipwayError } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'

/** Which family of protocol each kind of provider speaks; the rest speak OpenAI's. */
const ENGINE_OF_KIND: Partial<Record<ProviderKind, RemoteEngine>> = {
  anthropic: 'anthropic',
  bedrock: 'bedrock',
  vertex: 'vertex',
  gemini: 'vertex',
  cohere: 'cohere',
  tgi: 'tgi',
}

/**
 * What a version of text must say before it can be registered: the text contract, for `llama` its file, and for an
 * engine that runs elsewhere a provider that speaks its protocol and the model's name there.
 */
export async function checkTextVersion(store: Store, model: Model, { spec }: NewVersion): Promise<void> {
  const { engine } = spec
  const isText = canonicalJson(spec.contract) === canonicalJson(textContract)
  if (spec.vllm !== undefined && engine !== 'vllm')
    throw broken(`${engine} takes no settings of vllm`, '/spec/vllm')
  if (engine === 'onnx') {
    if (isText) throw broken(`${engine} runs models of rows, and this is a model of text`, '/spec/engine')
    return
  }
  // It answers either, by the contract.
  if (engine === 'echo' && !isText) return
  if (!isText)
    throw broken(`${engine} takes and gives text; its contract is {prompt} → {text}`, '/spec/contract')
  if (canonicalJson(model.contract) !== canonicalJson(textContract))
    throw broken(`${model.model} is a model of rows, which ${engine} cannot answer`, '/spec/engine')
  if (engine === 'llama' && spec.artifact === undefined)
    throw broken('llama needs an artifact: a GGUF file', '/spec/artifact')
  if (engine === 'vllm') checkForeign(model, spec)
  if (!isRemoteEngine(engine)) return
  if (spec.provider === undefined) throw broken(`${engine} needs the name of a provider`, '/spec/provider')
  if (spec.modelName === undefined)
    throw broken(`${engine} needs the model's name at the provider`, '/spec/modelName')
  const provider = await store.settings.find('provider', spec.provider)
  if (provider === undefined)
    throw new SlipwayError('unknown_provider', { provider: spec.provider }, { pointer: '/spec/provider' })
  const speaks = ENGINE_OF_KIND[provider.body.kind] ?? 'openai'
  if (speaks !== engine)
    throw broken(
      `the provider ${spec.provider} (${provider.body.kind}) speaks ${speaks}, not ${engine}`,
      '/spec/engine',
    )
}

/** Which settings a server has is checked with the form of the version; what is left takes the model's name. */
function checkForeign({ model }: Model, { artifact, modelName, preprocess, vllm }: VersionSpec): void {
  if (vllm === undefined) throw broken('vllm needs its settings, the weights above all', '/spec/vllm')
  if (artifact !== undefined)
    throw broken('vllm finds its weights by their name or folder, in vllm.weights', '/spec/artifact')
  if (preprocess !== undefined) throw broken('vllm runs no preprocess module', '/spec/preprocess')
  const names = vllm.loras.map(({ name }) => name)
  const twice = names.find((name, place) => names.indexOf(name) !== place)
  if (twice !== undefined) throw broken(`two adapters are called ${twice}`, '/spec/vllm/loras')
  // The weights keep the model's name where `modelName` names an adapter.
  if (names.includes(model))
    throw broken(`the adapter ${model} would take the name of the model itself`, '/spec/vllm/loras')
  if (vllm.server === 'triton-trtllm' && modelName === undefined)
    throw broken('triton-trtllm needs the name of the model in its repository', '/spec/modelName')
}

function broken(reason: string, pointer: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason: `${reason}.` }, { pointer })
}
