import { expect, test } from 'vitest'
import {
  changeProposal,
  llamaSettings,
  textContract,
  type VersionSpec,
  versionSpec,
} from '../contracts/index.ts'
import { differencesOf, leastRiskOf } from './differences.ts'
import { inherit } from './propose.ts'

const file = (name: string) => ({ digest: `sha256:${'1'.repeat(64)}`, name })
const champion: VersionSpec = versionSpec.parse({
  engine: 'llama',
  artifact: file('model.gguf'),
  prompt: 'Be brief.',
  llama: { contextTokens: 512, speculation: { kind: 'draft', artifact: file('draft.gguf') } },
  contract: textContract,
})
const to = (said: object) => changeProposal.shape.to.parse({ label: 'v2', ...said })

test.each<[string, object, object]>([
  ['what is left out is the champion’s', { threads: 2 }, { ...champion, threads: 2 }],
  [
    'settings of the engine are written whole',
    { llama: { sequences: 8 } },
    { llama: llamaSettings.parse({ sequences: 8 }) },
  ],
  [
    'another engine begins without files and settings',
    { engine: 'echo' },
    { engine: 'echo', artifact: undefined, llama: undefined, prompt: 'Be brief.' },
  ],
])('%s', (_, said, expected) => {
  const spec = inherit(champion, to(said))
  for (const [field, value] of Object.entries(expected))
    expect([field, spec[field as keyof VersionSpec]]).toEqual([field, value])
})

test.each<[string, object, string]>([
  [
    'another adapter is another model of its family',
    { loras: [{ name: 'formal', artifact: file('l.gguf') }] },
    'same-family',
  ],
  ['guessing shapes no answer', { speculation: { kind: 'prompt-lookup' } }, 'parameter'],
])('%s', (_, llama, risk) => {
  const spec = inherit(champion, to({ llama }))
  expect(leastRiskOf(differencesOf(champion, spec))).toBe(risk)
})
