import type { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import type { TextSink } from '../text/text-upstream.ts'
import { remotePolicy } from './policy.ts'
import { nothingFound, type Reading } from './reading.ts'
import { Try } from './try.ts'

/**
 * What the connection hands over although it is paused: undici does when the other side closes, and how much is a matter
 * of the kernel, so that here the connection is played.
 */
function played() {
  const heard: string[] = []
  const reading: Reading = {
    found: nothingFound(),
    hadContent: true,
    broken: undefined,
    push: (chunk) => heard.push(chunk.toString()),
    end: () => heard.push('end'),
  }
  const controller = {
    abort: () => heard.push('aborted'),
    pause: () => heard.push('paused'),
    resume: () => heard.push('resumed'),
  } as unknown as Dispatcher.DispatchController
  const attempt = new Try(
    {
      operation: 'chat',
      body: Buffer.alloc(0),
      isStream: true,
      reading: () => reading,
      readError: () => ({ class: 'error', status: 500, detail: '', code: undefined }),
    },
    'text/event-stream',
    remotePolicy,
    {
      sink: {} as TextSink,
      sent: () => heard.push('sent'),
      accepted: () => heard.push('accepted'),
      moved: () => undefined,
      ended: (end) => heard.push(end.kind),
    },
  )
  return { attempt, controller, heard, reading }
}
const SSE = { 'content-type': 'text/event-stream' }

test('head, bytes and end that come while it is paused are kept, in order', () => {
  const { attempt, controller, heard } = played()
  attempt.pause()
  attempt.onRequestStart(controller)
  attempt.onResponseStart(controller, 200, SSE)
  attempt.onResponseData(controller, Buffer.from('a'))
  attempt.onResponseData(controller, Buffer.from('b'))
  attempt.onResponseEnd()
  expect(heard).toEqual(['paused', 'sent'])
  attempt.resume()
  expect(heard.slice(2)).toEqual(['accepted', 'a', 'b', 'end', 'fine'])
})

test('paused again by what it hears, it stops there', () => {
  const { attempt, controller, heard, reading } = played()
  const push = reading.push
  Object.assign(reading, {
    push: (chunk: Buffer) => {
      push(chunk)
      if (chunk.toString() === 'a') attempt.pause()
    },
  })
  attempt.onRequestStart(controller)
  attempt.onResponseStart(controller, 200, SSE)
  for (const text of ['a', 'b', 'c']) attempt.onResponseData(controller, Buffer.from(text))
  expect(heard.slice(2)).toEqual(['a', 'paused'])
  attempt.resume()
  expect(heard.slice(4)).toEqual(['b', 'c', 'resumed'])
})

test('stopped before it was sent, it is let go when its connection is there', () => {
  const { attempt, controller, heard } = played()
  attempt.stop()
  attempt.onRequestStart(controller)
  attempt.onResponseStart(controller, 200, SSE)
  attempt.onResponseError(controller, new Error('late'))
  expect(heard).toEqual(['aborted'])
})
