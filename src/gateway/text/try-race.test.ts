import { fc, test as property } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type GenerateEvent, NO_USAGE } from '../../contracts/index.ts'
import type { TextCall, TextFailure, TextOutcome, TextUpstream } from '../../providers/index.ts'
import { defaultTextCallLimits } from '../limits.ts'
import type { Asker } from './asker.ts'
import type { HedgeEnd } from './loads.ts'
import { CANCELLED, UNREADY } from './rung-failures.ts'
import { TextTry } from './text-try.ts'
import { type RaceOwner, TryRace } from './try-race.ts'

type Move = 'started' | 'text' | 'end' | 'fail'
const moves = fc.array(
  fc.tuple(fc.constantFrom(0, 1), fc.constantFrom<Move>('started', 'text', 'end', 'fail')),
  {
    maxLength: 16,
  },
)

/** Two tries of one stream, the second joined after so many moves; both say what a run of the property says. */
class Race implements RaceOwner {
  readonly seen: string[] = []
  readonly noted: TextTry[] = []
  readonly given: TextTry[] = []
  readonly last: TextOutcome[] = []
  readonly ends: HedgeEnd[] = []
  readonly tries: TextTry[]
  readonly isCancelled = [false, false]
  losers = 0
  readonly #race: TryRace

  constructor() {
    const asker = {
      subject: { operation: 'generate' },
      mayFallBack: true,
      event: (event: GenerateEvent) => void this.seen.push(event.type === 'text' ? event.text : event.type),
    }
    this.#race = new TryRace(asker as unknown as Asker, this, defaultTextCallLimits)
    this.tries = [0, 1].map((index) => {
      const tried = new TextTry(this.#race, `u${index}`, 0, undefined, undefined)
      tried.held = []
      tried.isHedge = index === 1
      const upstream = {
        start: () => ({
          pause() {},
          resume() {},
          cancel: () => {
            this.isCancelled[index] = true
          },
        }),
      }
      tried.start(upstream as unknown as TextUpstream, {} as TextCall)
      return tried
    })
    this.#race.begin(this.tries[0] as TextTry)
  }

  /** As the owner does: only while nothing is shown or over. */
  join(): boolean {
    const [lead, hedge] = this.tries as [TextTry, TextTry]
    if (lead.isSettled || lead.isShown) return false
    this.#race.join(hedge)
    return true
  }

  move(index: number, move: Move): void {
    const tried = this.tries[index] as TextTry
    if (tried.isSettled) return
    if (move === 'text') tried.event({ type: 'text', choice: 0, text: `${index}` })
    else if (move === 'started') tried.event({ type: 'started', id: `${index}` })
    else tried.settled(outcomeOf(this.isCancelled[index] ? CANCELLED : move === 'end' ? undefined : FAILED))
  }

  due(): void {}
  firstContent(): void {}
  hedged(end: HedgeEnd): void {
    this.ends.push(end)
  }
  note(tried: TextTry): void {
    this.noted.push(tried)
  }
  ended(tried: TextTry): void {
    this.given.push(tried)
  }
  settled(tried: TextTry, outcome: TextOutcome): void {
    this.given.push(tried)
    this.last.push(outcome)
  }
  loserLeft(): void {
    this.losers++
  }
  loserSettled(): void {
    this.losers--
  }
}

const FAILED: TextFailure = { ...UNREADY, code: 'upstream_failed', class: 'error' }
const outcomeOf = (failure: TextFailure | undefined): TextOutcome => ({
  failure,
  usage: NO_USAGE,
  finishReason: null,
  providerModel: null,
  earlier: [],
  reportedCostUsd: null,
})

describe('two tries of one question, whatever they say in whatever order', () => {
  property.prop([fc.nat(3), moves], { numRuns: 2000 })(
    'one is seen, from its beginning; each is noted and given back once; the question ends once',
    (joinAfter, order) => {
      const race = new Race()
      let isJoined = false
      const said: string[][] = [[], []]
      for (const [at, [index, move]] of order.entries()) {
        if (at === joinAfter) isJoined = race.join()
        if (index === 1 && !isJoined) continue
        if (race.tries[index]?.isSettled === false && move !== 'end' && move !== 'fail')
          said[index]?.push(move === 'text' ? `${index}` : 'started')
        race.move(index, move)
        // The other is cancelled at once.
        for (const [other, { isSettled }] of race.tries.entries())
          if ((other === 0 || isJoined) && !isSettled)
            expect(race.isCancelled[other]).toBe(race.tries[1 - other]?.isShown)
      }
      for (const index of isJoined ? [0, 1] : [0]) race.move(index, 'end')

      const joined = race.tries.slice(0, isJoined ? 2 : 1)
      expect(race.noted).toHaveLength(joined.length)
      expect(new Set(race.noted)).toEqual(new Set(joined))
      expect(race.given).toHaveLength(joined.length)
      expect(new Set(race.given)).toEqual(new Set(joined))
      expect(race.last).toHaveLength(1)
      expect(race.losers).toBe(0)
      expect(race.ends).toHaveLength(isJoined ? 1 : 0)
      const shown = race.tries.findIndex(({ isShown }) => isShown)
      expect(race.tries.filter(({ isShown }) => isShown).length).toBeLessThanOrEqual(1)
      expect(race.seen).toEqual(shown < 0 ? [] : said[shown])
    },
  )
})
