import { systemClock } from '../../../kernel/index.ts'
import { conformsToTextEngine } from '../../text-engine.conformance.ts'
import { llamaEngine } from './llama.ts'
import { LORAS, loadOf, SPECULATION, say } from './testing/sample.ts'

/** The end token is forbidden, so that the tiny model talks for a while. */
const question = say('Subject: meeting', { maxOutputTokens: 40, logitBias: { '1': -100 } })

const sample = {
  crowd: 12,
  question,
  inAnswer: ' ',
  tooLong: say('word '.repeat(2000)),
  unknown: { request: say('a', { reasoning: { effort: 'low' as const } }), field: 'reasoning' },
  embed: undefined,
}

conformsToTextEngine('llama', () => llamaEngine(systemClock, { maxWaiting: 8 }), {
  ...sample,
  request: loadOf({ loras: LORAS, speculation: SPECULATION.draft }),
  narrow: loadOf({ sequences: 1 }),
})
