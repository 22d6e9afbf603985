import { describe, expect, test } from 'vitest'
import { providerKind } from '../../contracts/index.ts'
import { kinds } from './kinds.ts'
import { standardCodecs } from './standard-codecs.ts'

const asked = {
  messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Why?' }] }],
  maxOutputTokens: 7,
}

describe.each(providerKind.options)('the kind %s', (kind) => {
  test('has a dialect that writes what is asked, or could not be used at all', () => {
    const row = kinds[kind]
    const dialect = standardCodecs.generation({ ...row, kind })
    expect(dialect?.name).toBe(row.dialect)
    expect(JSON.stringify(dialect?.writeRequest(asked, 'model-1'))).toContain('Why?')
  })
})
