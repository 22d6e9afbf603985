import { describe, expect, test } from 'vitest'
import type { GenerateAnswer } from '../../contracts/index.ts'
import { NO_USAGE } from '../../contracts/index.ts'
import { until } from '../testing/world.ts'
import type { Answers } from './answers.ts'

export const answerOf = (text: string): GenerateAnswer => ({
  id: 'a',
  createdAt: 0,
  choices: [{ index: 0, finishReason: 'stop', content: [{ type: 'text', text }] }],
  usage: NO_USAGE,
})

/** Holds a store of answers to what the cache relies on. `open` gives an empty one. */
export function conformsToAnswers(name: string, open: () => Answers): void {
  describe(name, () => {
    test('gives what was kept for a key, whole and with its age, and nothing for another key', async () => {
      const answers = open()
      const text = 'ünï 🎈 \u0000 "quoted" \n'
      answers.set('k', { answer: answerOf(text), costUsd: '0.25' }, 60_000, 1000)
      await until(async () => (await answers.get('k', 1000)) !== undefined)
      const found = await answers.get('k', 1000)
      expect(found).toMatchObject({ answer: answerOf(text), costUsd: '0.25' })
      expect(found?.ageMs).toBeGreaterThanOrEqual(0)
      expect(found?.ageMs).toBeLessThan(60_000)
      expect(await answers.get('l', 1000)).toBeUndefined()
    })

    test('keeps the newest for a key, and a cost that nobody knows as such', async () => {
      const answers = open()
      answers.set('k', { answer: answerOf('old'), costUsd: '1' }, 60_000, 0)
      answers.set('k', { answer: answerOf('new'), costUsd: null }, 60_000, 0)
      await until(async () => (await answers.get('k', 0))?.costUsd === null)
      expect(await answers.get('k', 0)).toMatchObject({ answer: answerOf('new') })
    })

    test('does not keep an answer that is too large, and keeps the ones beside it', async () => {
      const answers = open()
      answers.set('large', { answer: answerOf('x'.repeat(1_000_000)), costUsd: null }, 60_000, 0)
      answers.set('small', { answer: answerOf('x'), costUsd: null }, 60_000, 0)
      await until(async () => (await answers.get('small', 0)) !== undefined)
      expect(await answers.get('large', 0)).toBeUndefined()
    })
  })
}
