import type { CostRow, GenerateAnswer, TextRecord, TokenUsage } from '../../contracts/index.ts'
import type { AnswerContext, RequestGlance } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { parsePredictBody } from '../predict/predict-body.ts'
import type { ProblemHeaders } from '../server/answer.ts'
import type { Endpoint, NeutralAnswer } from './endpoint.ts'
import { keptRows } from './kept-input.ts'
import { priorityOf } from './plan.ts'
import { type QuestionOut, TextQuestion } from './question.ts'
import { Subject } from './subject.ts'
import { TextHttpCall } from './text-http-call.ts'
import { answeredBy, fallbackOf, textRecord } from './text-record.ts'
import type { TextVersion } from './text-version.ts'
import { addUsage, NO_COST, NOTHING_USED } from './use.ts'

/** The contract's bound on the attempts of a record. */
const MAX_ATTEMPTS = 32

/**
 * Predict on a model of text: rows `{prompt}`, each a question of its own, so many at a time; rows `{text}` back in the
 * same order. One that fails fails the request, as a row of a batch does, and the rest of them is stopped.
 */
export class PredictTextCall extends TextHttpCall {
  #prompts: readonly string[] = []
  #texts: string[] = []
  #questions: TextQuestion[] = []
  #next = 0
  #answered = 0

  protected read(bytes: Buffer): void {
    const { inputs, user, version } = parsePredictBody(bytes, this.parts.bounds.maxRows)
    this.rows = inputs.length
    this.assign(this.arrival.modelName as string, version, user)
    this.#prompts = inputs.map(promptOf)
    this.#texts = new Array(inputs.length)
    const first = Math.min(inputs.length, this.parts.bounds.text.rowsAtOnce)
    for (let row = 0; row < first && !this.isDone; row++) this.#askNext()
  }

  /** Of row `index`. */
  answered(index: number, answer: NeutralAnswer): void {
    if (this.isDone) return
    this.#texts[index] = textOfAnswer(answer as GenerateAnswer)
    this.#answered++
    if (this.#answered < this.#prompts.length) {
      if (this.#next < this.#prompts.length) this.#askNext()
      return
    }
    const outputs = JSON.stringify(this.#texts.map((text) => ({ text })))
    const body = `${this.version?.jsonHead}${outputs}}`
    const headers = this.head('application/json', this.told())
    headers.push('content-length', String(Buffer.byteLength(body)))
    this.response.writeHead(200, headers).end(body)
    this.done(200, undefined)
  }

  failed(error: SlipwayError): void {
    this.fail(error)
  }

  over(): void {
    if (this.isDone && !this.isWorking()) this.settle()
  }

  protected isWorking(): boolean {
    return this.#questions.some((question) => !question.isOver)
  }

  protected stopWork(): void {
    for (const question of this.#questions) question.cancel()
  }

  /** Nothing of it is kept, so nothing of it is worth going on with. */
  protected drainWork(): void {
    this.stopWork()
  }

  protected failInStream(): boolean {
    return false
  }

  protected told(): ProblemHeaders {
    const question = this.#questions[0]
    return {
      requestId: this.arrival.requestId,
      model: this.model?.name,
      version: this.version?.label,
      replica: question === undefined ? undefined : answeredBy(question),
      fallback: this.#questions.map(fallbackOf).find((rung) => rung !== undefined),
    }
  }

  /** The first row's, with what all of them used. */
  protected textRecord(): TextRecord | undefined {
    const [first, ...others] = this.#questions
    if (first === undefined) return undefined
    const record = textRecord(first, { ttftMs: null, chunks: 0 })
    if (others.length === 0) return record
    let usage: TokenUsage = record.usage
    const costs: CostRow[] = [record.cost]
    const attempts = [...record.attempts]
    for (const other of others) {
      usage = other.usage === NOTHING_USED ? usage : addUsage(usage, other.usage)
      costs.push(other.cost)
      attempts.push(...other.attempts)
    }
    const paid = costs.filter((cost) => cost !== NO_COST)
    const cost = paid.length < 2 ? (paid[0] ?? NO_COST) : this.parts.pricer.sum(paid)
    return { ...record, usage, cost, attempts: attempts.slice(0, MAX_ATTEMPTS) }
  }

  protected capturedRows(): readonly unknown[] {
    return keptRows(this.#questions)
  }

  #askNext(): void {
    const index = this.#next++
    const prompt = this.#prompts[index] as string
    const { arrival } = this
    const subject = new Subject({
      requestId: arrival.requestId,
      atMs: this.atMs,
      startedMs: this.startedMs,
      key: arrival.key,
      priority: priorityOf(this.request.headers, arrival.key.priority),
      endpoint: ROWS,
      text: this.version?.text as TextVersion,
      isPinned: this.isPinned,
      glance: { ...ROW_GLANCE, promptCharacters: prompt.length },
      body: Buffer.from(prompt),
      parsed: { prompt },
      isRelayable: false,
      drops: [],
      timeoutMs: this.timeoutMs,
      isTimeoutAsked: this.isTimeoutAsked,
    })
    const question = new TextQuestion(this.parts, subject, new RowOut(this, index))
    this.#questions.push(question)
    question.begin()
  }
}

class RowOut implements QuestionOut {
  readonly #call: PredictTextCall
  readonly #index: number

  constructor(call: PredictTextCall, index: number) {
    this.#call = call
    this.#index = index
  }

  get mayFallBack(): boolean {
    return true
  }

  event(): void {}
  relayed(): void {}
  ended(): void {}

  answer(answer: NeutralAnswer | Buffer): void {
    this.#call.answered(this.#index, answer as NeutralAnswer)
  }

  failed(error: SlipwayError): void {
    this.#call.failed(error)
  }

  over(): void {
    this.#call.over()
  }
}

const ROW_GLANCE: RequestGlance = {
  model: undefined,
  stream: false,
  includeUsage: true,
  user: undefined,
  maxOutputTokens: undefined,
  promptCharacters: 0,
  isSampled: true,
}

/** A row as a question: its prompt is what the user says. */
const ROWS: Endpoint = {
  operation: 'generate',
  surface: 'predict',
  dialect: undefined,
  errors: undefined,
  glance: () => ROW_GLANCE,
  work: ({ prompt }) => ({
    kind: 'generate',
    request: { messages: [{ role: 'user', content: [{ type: 'text', text: prompt as string }] }] },
  }),
  write: (answer: NeutralAnswer, _: AnswerContext) => ({ answer }),
  fieldOf: (feature) => feature,
}

function promptOf(row: unknown, index: number): string {
  const prompt = typeof row === 'object' && row !== null ? (row as { prompt?: unknown }).prompt : undefined
  if (typeof prompt !== 'string')
    throw new SlipwayError('rows_invalid', { row: index, field: 'prompt', reason: 'must be text' })
  return prompt
}

function textOfAnswer(answer: GenerateAnswer): string {
  const content = answer.choices[0]?.content ?? []
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
}
