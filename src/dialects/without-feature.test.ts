import { expect, test } from 'vitest'
import type { GenerateRequest } from '../contracts/index.ts'
import { withoutFeature } from './index.ts'

const request: GenerateRequest = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a', cache: { ttl: '1h' } },
        { type: 'text', text: 'b' },
      ],
    },
  ],
  tools: [{ name: 'f', strict: true }],
  seed: 1,
  reasoning: { effort: 'low', budgetTokens: 5 },
  extras: { store: true, 'chat.messages.-1.x': 1 },
}

test.each<[string, Partial<GenerateRequest> | undefined]>([
  ['seed', { seed: undefined }],
  ['reasoning.budgetTokens', { reasoning: { effort: 'low' } }],
  ['extras.store', { extras: { 'chat.messages.-1.x': 1 } }],
  ['extras.chat.messages.-1.x', { extras: { store: true } }],
  ['tools.0.strict', { tools: [{ name: 'f' }] }],
  [
    'messages.0.content.0.cache',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    },
  ],
  [
    'messages.0.content.0.cache.ttl',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a', cache: {} },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    },
  ],
  ['messages.0.content.0', { messages: [{ role: 'user', content: [{ type: 'text', text: 'b' }] }] }],
  ['messages.0', undefined],
  ['messages', undefined],
  ['topK', undefined],
  ['extras.other', undefined],
  ['messages.3.content.0', undefined],
])('without %s', (feature, expected) => {
  const before = structuredClone(request)
  const less = withoutFeature(request, feature)
  expect(less).toEqual(expected === undefined ? undefined : { ...request, ...expected })
  expect(request).toEqual(before)
})
