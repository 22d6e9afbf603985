import { join } from 'node:path'
import type { GenerateRequest, LlamaSettings } from '../../../contracts/index.ts'
import { textContract, versionSpec } from '../../../contracts/index.ts'
import { systemClock } from '../../../kernel/index.ts'
import { conformsToTextEngine } from '../../text-engine.conformance.ts'
import type { TextLoadRequest } from '../../text-engine.ts'
import { llamaEngine } from './llama.ts'

export const SAMPLES = join(import.meta.dirname, '../../../../samples/llm')

function loadOf(settings: Partial<LlamaSettings> = {}): TextLoadRequest {
  const artifact = { digest: `sha256:${'0'.repeat(64)}`, name: 'mail-llm.gguf' }
  return {
    model: 'mail_judge',
    label: 'v1',
    spec: versionSpec.parse({
      engine: 'llama',
      artifact,
      contract: textContract,
      llama: { contextTokens: 512, sequences: 4, ...settings },
    }),
    files: new Map([['artifact', process.env.G ?? join(SAMPLES, 'mail-llm.gguf')]]),
  }
}

const say = (text: string, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  messages: [{ role: 'user', content: [{ type: 'text', text }] }],
  ...more,
})

conformsToTextEngine('llama', () => llamaEngine(systemClock, { maxWaiting: 8 }), {
  request: loadOf(),
  narrow: loadOf({ sequences: 1 }),
  crowd: 12,
  question: say('Subject: meeting', { temperature: 0, maxOutputTokens: 48, logitBias: { '1': -100 } }),
  inAnswer: ' ',
  tooLong: say('word '.repeat(2000)),
  unknown: { request: say('a', { reasoning: { effort: 'low' } }), field: 'reasoning' },
  embed: undefined,
})
