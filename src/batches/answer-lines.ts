import type { BatchUsage } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { BatchCounts, Store, StoredBatch } from '../store/index.ts'
import { Answered, type JournalKind, LINE_FACTOR } from './answered.ts'
import { type RequestLine, readRequest } from './check-input.ts'
import type { LineAnswer } from './gateway-asker.ts'
import { type LineError, outputLine } from './output-line.ts'
import { Pace } from './pace.ts'
import { readLines } from './read-lines.ts'
import type { RunParts } from './run-parts.ts'

export interface Answers {
  readonly counts: BatchCounts
  readonly usage: BatchUsage
  readonly end: 'completed' | 'expired' | 'cancelled'
}

const PROGRESS_MS = 1000

/**
 * Asks every line that is not answered yet, until the input, the window or the batch's life is over; lines that were
 * never asked, or whose answer did not come in time, are told as errors then. Rejects when `signal` is aborted, and
 * everything that is in the journal stays.
 */
export async function answerLines(
  parts: RunParts,
  batch: StoredBatch,
  signal: AbortSignal,
): Promise<Answers> {
  const { limits, store } = parts
  const answered = await Answered.open(store.blobs, batch.id, {
    total: batch.counts.total,
    maxAnswerBytes: limits.maxAnswerBytes,
  })
  const stops = new Stops(parts, batch, signal)
  const progress = tellProgress(parts, batch, answered, stops)
  try {
    await new LineRun(parts, batch, answered, stops).askAll()
    signal.throwIfAborted()
    const { end } = stops
    if (end !== 'completed') await tellUnasked(parts, batch, answered, end)
    return { counts: answered.counts, usage: answered.usage, end }
  } finally {
    stops.close()
    await progress
    await answered.close()
  }
}

/** Why lines are no longer asked. `asking` ends at the first reason, `sent` when not even answers are waited for. */
class Stops {
  end: Answers['end'] = 'completed'
  readonly #asking = new AbortController()
  readonly #sent = new AbortController()
  readonly #closed = new AbortController()
  readonly #unwatch: () => void
  readonly #clock: Clock
  readonly #graceMs: number

  constructor({ clock, limits, store }: RunParts, batch: StoredBatch, signal: AbortSignal) {
    this.#clock = clock
    this.#graceMs = limits.cancelGraceMs
    this.asking = AbortSignal.any([this.#asking.signal, signal])
    this.sent = AbortSignal.any([this.#sent.signal, signal])
    // Cancelled before: what was sent then is gone with the process that sent it.
    if (batch.status === 'cancelling') this.#cancelled()
    this.#unwatch = store.watch(({ key, topic }) => {
      if (topic === 'batches' && key === batch.id) void this.#look(store, batch.id)
    })
    void this.#expire((batch.times.expires as number) - clock.nowMs())
  }

  readonly asking: AbortSignal
  readonly sent: AbortSignal

  get closed(): AbortSignal {
    return this.#closed.signal
  }

  seen({ status }: StoredBatch): void {
    if (status === 'cancelling') this.#cancelled()
  }

  close(): void {
    this.#closed.abort()
    this.#unwatch()
  }

  async #look(store: Pick<Store, 'batches'>, id: string): Promise<void> {
    const now = await store.batches.find(id).catch(() => undefined)
    if (now !== undefined) this.seen(now)
  }

  #cancelled(): void {
    if (this.#asking.signal.aborted) return
    this.end = 'cancelled'
    this.#asking.abort(new Error('the batch is cancelled'))
    void this.#endSentAfter(this.#graceMs)
  }

  async #endSentAfter(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.closed).catch(() => undefined)
    this.#sent.abort(new Error('the batch is cancelled'))
  }

  async #expire(ms: number): Promise<void> {
    if (ms > 0) await this.#clock.sleep(ms, this.closed).catch(() => undefined)
    if (this.closed.aborted || this.#asking.signal.aborted) return
    this.end = 'expired'
    this.#asking.abort(new Error('the window is over'))
    this.#sent.abort(new Error('the window is over'))
  }
}

/** Writes the counts down each second; it is how a cancel that another process took is heard of. */
async function tellProgress(
  { clock, logger, store }: RunParts,
  { id }: StoredBatch,
  answered: Answered,
  stops: Stops,
): Promise<void> {
  let told = ''
  while (!stops.closed.aborted) {
    await clock.sleep(PROGRESS_MS, stops.closed).catch(() => undefined)
    if (stops.closed.aborted) return
    const { counts } = answered
    try {
      const isNews = JSON.stringify(counts) !== told
      const now = isNews
        ? await store.batches.update(id, ['in_progress', 'cancelling'], { counts })
        : await store.batches.find(id)
      told = JSON.stringify(counts)
      if (now !== undefined) stops.seen(now)
    } catch (error) {
      logger.warn({ batch: id, err: error }, 'progress of a batch was not stored')
    }
  }
}

class LineRun {
  readonly #parts: RunParts
  readonly #batch: StoredBatch
  readonly #answered: Answered
  readonly #stops: Stops
  readonly #pace: Pace
  readonly #inWork = new Set<Promise<void>>()
  #bytesInWork = 0
  #failure: { error: unknown } | undefined

  constructor(parts: RunParts, batch: StoredBatch, answered: Answered, stops: Stops) {
    this.#parts = parts
    this.#batch = batch
    this.#answered = answered
    this.#stops = stops
    this.#pace = new Pace(parts.clock, parts.limits.linesAtOnce)
  }

  async askAll(): Promise<void> {
    const { limits } = this.#parts
    for await (const { bytes, line } of unanswered(this.#parts, this.#batch, this.#answered)) {
      while (this.#inWork.size >= limits.linesAtOnce || this.#isFull(bytes)) await Promise.race(this.#inWork)
      if (this.#stops.asking.aborted || this.#failure !== undefined) break
      this.#start(line, bytes)
    }
    await Promise.all(this.#inWork)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #isFull(bytes: number): boolean {
    return this.#inWork.size > 0 && this.#bytesInWork + bytes > this.#parts.limits.maxBytesInWork
  }

  #start(line: RequestLine, bytes: number): void {
    this.#bytesInWork += bytes
    const work = this.#answer(line)
      .catch((error: unknown) => {
        // Lines that a stop took back are no failure: they are told at the end, or asked by the next run.
        if (!this.#stops.asking.aborted) this.#failure ??= { error }
      })
      .finally(() => {
        this.#bytesInWork -= bytes
        this.#inWork.delete(work)
      })
    this.#inWork.add(work)
  }

  async #answer(line: RequestLine): Promise<void> {
    const { key, wish } = this.#batch
    const asked = { url: wish.endpoint, key, body: JSON.stringify(line.body) }
    const { maxTries } = this.#parts.limits
    for (let tries = 1; ; ) {
      await this.#pace.begin(this.#stops.asking)
      let answer: LineAnswer | undefined
      try {
        answer = await this.#parts.asker.ask(asked, this.#stops.sent)
      } finally {
        this.#pace.end(answer === undefined || !hasNoRoom(answer) ? 'answered' : pauseOf(answer))
      }
      if (hasNoRoom(answer)) continue
      if (isBadLuck(answer) && tries++ < maxTries) {
        await this.#parts.clock.sleep(RETRY_MS * 2 ** (tries - 2), this.#stops.asking)
        continue
      }
      await this.#store(line, answer)
      return
    }
  }

  async #store(line: RequestLine, answer: LineAnswer): Promise<void> {
    const { id } = this.#batch
    const fail = (error: LineError, reason?: string) =>
      this.#answered.add(
        'error',
        line.ordinal,
        outputLine(id, line, reason === undefined ? { error } : { error, reason }),
      )
    if (answer.kind === 'too-large') return await fail('answer_too_large')
    if (answer.kind === 'none') return await fail('no_answer', answer.reason)
    const text = outputLine(id, line, answer)
    if (Buffer.byteLength(text) > LINE_FACTOR * this.#parts.limits.maxAnswerBytes)
      return await fail('answer_too_large')
    const kind: JournalKind = answer.status >= 200 && answer.status < 300 ? 'output' : 'error'
    await this.#answered.add(kind, line.ordinal, text, answer.body)
  }
}

const RETRY_MS = 500

/** Others go first: the line waits, however often, until there is room or the window is over. */
function hasNoRoom(answer: LineAnswer): boolean {
  if (answer.kind === 'none') return answer.isUnreachable
  return answer.kind === 'answer' && (answer.status === 429 || answer.status === 503 || answer.status === 529)
}

function pauseOf(answer: LineAnswer): { pausedMs: number | undefined } {
  return { pausedMs: answer.kind === 'answer' ? answer.retryAfterMs : undefined }
}

/** May go well another time; a line that makes something break shall not be asked for ever. */
function isBadLuck(answer: LineAnswer): boolean {
  if (answer.kind === 'none') return true
  return answer.kind === 'answer' && (answer.status >= 500 || answer.status === 408)
}

/** Lines without an answer, in the order of the input, with what they weigh. */
async function* unanswered(
  { limits, store }: RunParts,
  { wish }: StoredBatch,
  answered: Answered,
): AsyncGenerator<{ line: RequestLine; bytes: number }> {
  const content = await store.blobs.read(wish.input_file_id)
  for await (const one of readLines(content, limits.maxLineBytes)) {
    if (answered.has(one.ordinal)) continue
    const line = readRequest(one, wish.endpoint, limits.maxLineBytes)
    // The whole input was looked at before; it cannot have changed since.
    if ('code' in line)
      throw new Error(`line ${one.number} of ${wish.input_file_id} changed: ${line.message}`)
    yield { line, bytes: one.bytes?.length ?? 0 }
  }
}

async function tellUnasked(
  parts: RunParts,
  batch: StoredBatch,
  answered: Answered,
  end: 'expired' | 'cancelled',
): Promise<void> {
  const error = end === 'expired' ? 'batch_expired' : 'batch_cancelled'
  const many: Promise<void>[] = []
  for await (const { line } of unanswered(parts, batch, answered)) {
    many.push(answered.add('error', line.ordinal, outputLine(batch.id, line, { error })))
    if (many.length >= TOLD_TOGETHER) await Promise.all(many.splice(0))
  }
  await Promise.all(many)
}

const TOLD_TOGETHER = 256
