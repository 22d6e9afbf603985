import type { ProviderKind } from '../../contracts/index.ts'
import {
  anthropicProvider,
  anthropicTokenCount,
  type ChatQuirks,
  chatProvider,
  chatQuirks,
  cohereProvider,
  converseProvider,
  type DialectName,
  dialectRelay,
  embeddingsProvider,
  geminiProvider,
  type ProviderDialect,
  rerankProvider,
} from '../../dialects/index.ts'
import type { TextCodecs } from './codecs.ts'
import type { ProviderRow } from './kind-row.ts'

const quirksOf: Partial<Record<ProviderKind, ChatQuirks>> = chatQuirks

/** Who writes each dialect; a kind whose dialect is not here takes no generation. */
const GENERATION: Partial<Record<DialectName, (row: ProviderRow) => ProviderDialect>> = {
  'openai-chat': (row) => chatProvider(quirksOf[row.kind]),
  anthropic: () => anthropicProvider,
  'bedrock-converse': () => converseProvider,
  gemini: () => geminiProvider,
  cohere: () => cohereProvider,
}

/** Every dialect that there is, for providers of all kinds. */
export const standardCodecs: TextCodecs = {
  generation: (row) => GENERATION[row.dialect]?.(row),
  relay: dialectRelay,
  embed: (row) => (row.dialect === 'openai-chat' ? embeddingsProvider : undefined),
  rerank: (row) => (row.dialect === 'openai-chat' ? rerankProvider : undefined),
  countTokens: (row) => (row.dialect === 'anthropic' ? anthropicTokenCount : undefined),
}
