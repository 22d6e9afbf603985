import type { ProviderKind } from '../../contracts/index.ts'
import {
  anthropicOnBedrock,
  anthropicOnVertex,
  anthropicProvider,
  anthropicTokenCount,
  anthropicTokenCountOnVertex,
  bedrockEmbeddings,
  bedrockRerank,
  type ChatQuirks,
  chatProvider,
  chatQuirks,
  cohereEmbeddings,
  cohereProvider,
  cohereRerank,
  converseProvider,
  converseTokenCount,
  type DialectName,
  dialectRelay,
  embeddingsProvider,
  geminiEmbeddings,
  geminiProvider,
  geminiTokenCount,
  type ProviderDialect,
  rerankProvider,
  tgiProvider,
  vertexEmbeddings,
  vertexTokenCount,
} from '../../dialects/index.ts'
import type { TextCodecs } from './codecs.ts'
import type { ProviderRow } from './kind-row.ts'

const quirksOf: Partial<Record<ProviderKind, ChatQuirks>> = chatQuirks

/** Who writes each dialect; a kind whose dialect is not here takes no generation. */
const GENERATION: Partial<Record<DialectName, (row: ProviderRow) => ProviderDialect>> = {
  'openai-chat': (row) => chatProvider(quirksOf[row.kind]),
  anthropic: ({ kind }) => (kind === 'vertex' ? anthropicOnVertex : anthropicProvider),
  'bedrock-converse': () => converseProvider,
  'bedrock-invoke': () => anthropicOnBedrock,
  gemini: () => geminiProvider,
  cohere: () => cohereProvider,
  tgi: () => tgiProvider,
}

/** Every dialect that there is, for providers of all kinds. */
export const standardCodecs: TextCodecs = {
  generation: (row) => GENERATION[row.dialect]?.(row),
  relay: dialectRelay,
  embed({ dialect, kind }, modelName) {
    if (kind === 'bedrock') return bedrockEmbeddings(modelName)
    if (dialect === 'gemini') return kind === 'vertex' ? vertexEmbeddings : geminiEmbeddings
    if (dialect === 'cohere') return cohereEmbeddings
    return dialect === 'openai-chat' ? embeddingsProvider : undefined
  },
  rerank({ dialect, kind }, modelName) {
    if (kind === 'bedrock') return bedrockRerank(modelName)
    if (dialect === 'cohere') return cohereRerank
    return dialect === 'openai-chat' ? rerankProvider : undefined
  },
  countTokens({ dialect, kind }) {
    if (dialect === 'anthropic') return kind === 'vertex' ? anthropicTokenCountOnVertex : anthropicTokenCount
    if (dialect === 'gemini') return kind === 'vertex' ? vertexTokenCount : geminiTokenCount
    return kind === 'bedrock' ? converseTokenCount : undefined
  },
}
