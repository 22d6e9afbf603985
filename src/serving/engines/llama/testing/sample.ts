import { join } from 'node:path'
import {
  type EmbedRequest,
  type GenerateAnswer,
  type GenerateEvent,
  type GenerateRequest,
  type LlamaSettings,
  textContract,
  versionSpec,
} from '../../../../contracts/index.ts'
import { systemClock } from '../../../../kernel/index.ts'
import type { TextEngine, TextLoadRequest, TextRun, TextWork, TextWorkOutcome } from '../../../text-engine.ts'
import { type LlamaOptions, llamaEngine } from '../llama.ts'

/** The models of samples/llm, as versions. */
const FOLDER = join(import.meta.dirname, '../../../../../samples/llm')
export const MODEL = join(FOLDER, 'mail-llm.gguf')
const DRAFT = join(FOLDER, 'mail-llm-draft.gguf')
const ADAPTER = join(FOLDER, 'mail-llm-json.gguf')
export const REFERENCE = join(FOLDER, 'reference.json')

const file = (name: string) => ({ digest: `sha256:${'0'.repeat(64)}`, name })

export const SPECULATION = {
  draft: { kind: 'draft', artifact: file('mail-llm-draft.gguf'), maxTokens: 6 },
  lookup: { kind: 'prompt-lookup', minMatch: 2, maxTokens: 6 },
} as const satisfies Record<string, LlamaSettings['speculation']>

export const LORAS: LlamaSettings['loras'] = [
  { name: 'json', artifact: file('mail-llm-json.gguf'), scale: 1 },
]

export function loadOf(settings: Partial<LlamaSettings> = {}, path = MODEL): TextLoadRequest {
  return {
    model: 'mail_judge',
    label: 'v1',
    spec: versionSpec.parse({
      engine: 'llama',
      artifact: file('mail-llm.gguf'),
      contract: textContract,
      llama: { contextTokens: 512, sequences: 4, kvBlockTokens: 16, ...settings },
    }),
    files: new Map([
      ['artifact', path],
      ['llama/speculation/artifact', DRAFT],
      ['llama/loras/0/artifact', ADAPTER],
    ]),
  }
}

export async function loadedEngine(
  settings: Partial<LlamaSettings> = {},
  options: LlamaOptions = {},
): Promise<TextEngine> {
  const engine = llamaEngine(systemClock, options)
  await engine.load(loadOf(settings))
  return engine
}

export function say(text: string, more: Partial<GenerateRequest> = {}): GenerateRequest {
  return { messages: [{ role: 'user', content: [{ type: 'text', text }] }], temperature: 0, ...more }
}

export interface Told {
  readonly outcome: TextWorkOutcome
  readonly events: GenerateEvent[]
  readonly answer: unknown
  readonly text: string
}

/** Everything that came of one piece of work. */
export function tell(
  engine: TextEngine,
  work: TextWork['work'],
  asked: { stream?: boolean; onEvent?: (event: GenerateEvent, run: TextRun) => void } = {},
): Promise<Told> {
  const events: GenerateEvent[] = []
  let answer: unknown
  return new Promise((resolve) => {
    const run = engine.start(
      {
        work,
        stream: asked.stream ?? true,
        requestId: 'r1',
        priority: 1,
        deadlineAtMs: Number.POSITIVE_INFINITY,
      },
      {
        event: (event) => {
          events.push(event)
          asked.onEvent?.(event, run)
        },
        answer: (given) => {
          answer = given
        },
        settled: (outcome) => resolve({ outcome, events, answer, text: textOf(events, answer) }),
      },
    )
  })
}

export function generate(engine: TextEngine, request: GenerateRequest, stream = true): Promise<Told> {
  return tell(engine, { kind: 'generate', request }, { stream })
}

export function embed(engine: TextEngine, request: EmbedRequest): Promise<Told> {
  return tell(engine, { kind: 'embed', request }, { stream: false })
}

function textOf(events: readonly GenerateEvent[], answer: unknown): string {
  const choice = (answer as GenerateAnswer | undefined)?.choices?.[0]
  if (choice !== undefined)
    return choice.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return events.map((event) => (event.type === 'text' && event.choice === 0 ? event.text : '')).join('')
}
