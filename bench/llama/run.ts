/**
 * What the engine costs over llama.cpp itself: tokens a second of processor time, of one sequence and of four together, and how
 * long the event loop of the model server waits meanwhile.
 *
 *   node bench/llama/run.ts [model.gguf]    the sample, and that one; the stored result has Gemma 3 270M besides
 *
 * The floor is llama.cpp by `node-llama-cpp`'s own classes, same binary, same thread, nothing around it: one `evaluate` loop
 * a sequence. llama.cpp's own server and bench program are in no registry that we build from, so they are not compared.
 * The runs take turns, and each figure is the median of them.
 */
import { basename } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getLlama, type Token, TokenBias } from 'node-llama-cpp'
import { textContract, versionSpec } from '../../src/contracts/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { llamaEngine } from '../../src/serving/engines/llama/llama.ts'
import type { TextEngine } from '../../src/serving/text-engine.ts'
import { type BenchRow, report } from '../result.ts'

const SAMPLE = new URL('../../samples/llm/mail-llm.gguf', import.meta.url).pathname
const QUESTION = 'Subject: Re: the list'
const TOKENS = 64
const ROUNDS = 3
const CONTEXT = 512
/** Ends of answers, forbidden, so that all have the same length: of the sample, and of Gemma. */
const ENDS: Readonly<Record<string, readonly number[]>> = { 'mail-llm.gguf': [1] }
const USUAL_ENDS = [1, 106]

interface Sample {
  readonly tokens: number
  readonly cpuSeconds: number
  readonly wallSeconds: number
}

const files = [SAMPLE, ...process.argv.slice(2)]
const rows: BenchRow[] = []
const raw: Record<string, unknown> = {}
for (const path of files) await measure(path)
report('llama', rows, raw)

async function measure(path: string): Promise<void> {
  const name = basename(path)
  const ours = await openOurs(path)
  const floor = await openFloor(path)
  for (const sequences of [1, 4]) {
    const samples: Record<'ours' | 'floor', Sample[]> = { ours: [], floor: [] }
    const called = `${name}, ${sequences} sequence${sequences === 1 ? '' : 's'}`
    const delays = {
      ours: monitorEventLoopDelay({ resolution: 1 }),
      floor: monitorEventLoopDelay({ resolution: 1 }),
    }
    await timed(() => ours.run(sequences))
    await timed(() => floor.run(sequences))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [who, runner] of [
        ['ours', ours],
        ['floor', floor],
      ] as const) {
        delays[who].enable()
        samples[who].push(await timed(() => runner.run(sequences)))
        delays[who].disable()
      }
    }
    const perCpuSecond = (of: Sample[]) => median(of.map(({ tokens, cpuSeconds }) => tokens / cpuSeconds))
    const perSecond = (of: Sample[]) => median(of.map(({ tokens, wallSeconds }) => tokens / wallSeconds))
    const [we, it] = [perCpuSecond(samples.ours), perCpuSecond(samples.floor)]
    const isTiny = path === SAMPLE
    rows.push(
      {
        what: `${called}: of processor time`,
        unit: 'tokens/CPU-s',
        ours: Math.round(we),
        others: { 'node-llama-cpp, bare': Math.round(it) },
        // A tiny model is all overhead, the engine's and the library's alike.
        goal: isTiny ? 'no less than bare' : 'at least 90 % of bare',
        holds: we >= (isTiny ? 1 : 0.9) * it,
      },
      {
        what: `${called}: together`,
        unit: 'tokens/s',
        ours: Math.round(perSecond(samples.ours)),
        others: { 'node-llama-cpp, bare': Math.round(perSecond(samples.floor)) },
        goal: 'told',
        holds: true,
      },
      {
        what: `${called}: the event loop waits, p99`,
        unit: 'ms',
        ours: milliseconds(delays.ours),
        others: { 'node-llama-cpp, bare': milliseconds(delays.floor) },
        goal: 'at most 2 × bare',
        holds: delays.ours.percentile(99) <= 2 * delays.floor.percentile(99),
      },
    )
    raw[`${name} ${sequences}`] = samples
  }
  await ours.close()
  await floor.close()
}

interface Runner {
  /** So many answers at once, of `TOKENS` each; the tokens drawn. */
  run(sequences: number): Promise<number>
  close(): Promise<void>
}

async function openOurs(path: string): Promise<Runner> {
  const engine = llamaEngine(systemClock)
  await engine.load({
    model: 'bench',
    label: 'v1',
    spec: versionSpec.parse({
      engine: 'llama',
      artifact: { digest: `sha256:${'0'.repeat(64)}`, name: basename(path) },
      contract: textContract,
      llama: { contextTokens: CONTEXT, sequences: 4 },
    }),
    files: new Map([['artifact', path]]),
  })
  await engine.warmUp()
  return {
    async run(sequences) {
      const counts = await Promise.all(
        Array.from({ length: sequences }, (_, at) => answered(engine, at, endsOf(path))),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    },
    close: () => engine.unload(),
  }
}

function endsOf(path: string): readonly number[] {
  return ENDS[basename(path)] ?? USUAL_ENDS
}

function answered(engine: TextEngine, at: number, ends: readonly number[]): Promise<number> {
  return new Promise((resolve, reject) => {
    engine.start(
      {
        work: {
          kind: 'generate',
          request: {
            messages: [{ role: 'user', content: [{ type: 'text', text: `${QUESTION} ${at}` }] }],
            maxOutputTokens: TOKENS,
            temperature: 1,
            topK: 40,
            seed: at + 1,
            logitBias: Object.fromEntries(ends.map((token) => [token, -100])),
          },
        },
        stream: true,
        requestId: `r${at}`,
        priority: 1,
        deadlineAtMs: Number.POSITIVE_INFINITY,
      },
      {
        event: () => {},
        answer: () => {},
        settled: ({ failure, usage }) =>
          failure === undefined ? resolve(usage.output ?? 0) : reject(new Error(failure.detail)),
      },
    )
  })
}

async function openFloor(path: string): Promise<Runner> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true })
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 })
  const context = await model.createContext({
    contextSize: CONTEXT,
    sequences: 4,
    threads: 1,
    batchSize: CONTEXT,
  })
  const sequences = Array.from({ length: 4 }, () => context.getSequence())
  const tokenBias = new TokenBias(model.tokenizer)
  for (const token of endsOf(path)) tokenBias.set(token as Token, 'never')
  return {
    async run(count) {
      const counts = await Promise.all(
        sequences.slice(0, count).map(async (sequence, at) => {
          const tokens = model.tokenize(`${QUESTION} ${at}`)
          await sequence.clearHistory()
          let drawn = 0
          const drawing = sequence.evaluate(tokens, { temperature: 1, topK: 40, seed: at + 1, tokenBias })
          for await (const _ of drawing) if (++drawn === TOKENS) break
          return drawn
        }),
      )
      return counts.reduce((sum, one) => sum + one, 0)
    },
    async close() {
      await context.dispose()
      await model.dispose()
    },
  }
}

async function timed(run: () => Promise<number>): Promise<Sample> {
  const before = process.cpuUsage()
  const startMs = performance.now()
  const tokens = await run()
  const { user, system } = process.cpuUsage(before)
  return {
    tokens,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - startMs) / 1000,
  }
}

function milliseconds(delay: ReturnType<typeof monitorEventLoopDelay>): number {
  return Number((delay.percentile(99) / 1e6).toFixed(2))
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] as number
}
