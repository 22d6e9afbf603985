import type { ProviderKind } from '../../contracts/index.ts'
import {
  type ChatQuirks,
  chatProvider,
  chatQuirks,
  type DialectName,
  type ProviderDialect,
} from '../../dialects/index.ts'
import type { TextCodecs } from './codecs.ts'
import type { ProviderRow } from './kind-row.ts'

const quirksOf: Partial<Record<ProviderKind, ChatQuirks>> = chatQuirks

/** Who writes each dialect; a kind whose dialect is not here takes no generation. */
const GENERATION: Partial<Record<DialectName, (row: ProviderRow) => ProviderDialect>> = {
  'openai-chat': (row) => chatProvider(quirksOf[row.kind]),
}

/** Every dialect that there is, for providers of all kinds. */
export const standardCodecs: TextCodecs = {
  generation: (row) => GENERATION[row.dialect]?.(row),
  relay: () => undefined,
  embed: () => undefined,
  rerank: () => undefined,
  countTokens: () => undefined,
}
