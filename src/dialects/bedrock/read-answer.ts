import type { GenerateAnswer, GenerateEvent } from '../../contracts/index.ts'
import { collect } from '../collect.ts'
import { UpstreamBroken } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { Blocks } from './blocks.ts'
import { exceptionIn } from './errors.ts'
import { readStopReason } from './stop-reason.ts'
import { readUsage } from './usage.ts'

/** An answer of `Converse`, which tells neither an id nor a time nor a model. Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  const answer = objectOf(body)
  const content = objectOf(objectOf(answer?.output)?.message)?.content
  if (answer === undefined || !Array.isArray(content))
    throw new UpstreamBroken(exceptionIn(body) ?? brokenProblem('its answer has no message'))
  const events: GenerateEvent[] = [{ type: 'started', id: '' }]
  const blocks = new Blocks((event) => events.push(event))
  for (const block of content) {
    const known = objectOf(block)
    if (known === undefined) throw new UpstreamBroken(brokenProblem('a block of its answer is not an object'))
    blocks.whole(known)
  }
  const raw = textOf(answer.stopReason)
  events.push({
    type: 'finished',
    choice: 0,
    reason: raw === undefined ? 'other' : readStopReason(raw),
    ...(raw === undefined ? {} : { raw }),
  })
  events.push({ type: 'usage', usage: readUsage(answer.usage) }, { type: 'ended' })
  const tier = textOf(objectOf(answer.serviceTier)?.type)
  return { ...collect(events, 0), ...(tier === undefined ? {} : { serviceTier: tier }) }
}
