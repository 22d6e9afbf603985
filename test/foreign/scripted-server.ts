/**
 * Stands in for `vllm serve`, `text-generation-launcher` or Triton's OpenAI front end where no GPU is:
 * `node scripted-server.ts <script as JSON> <flags>`. It takes the flags that the real one is recorded to take and
 * refuses others in its words, listens only when it is loaded, answers health, models, chat and metrics in the real
 * forms, and goes wrong as the script, or the question, says.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArguments } from './scripted-arguments.ts'
import { type Counted, metricsPage } from './scripted-metrics.ts'

export interface Script {
  readonly server: 'vllm' | 'tgi' | 'triton-trtllm'
  readonly release: string
  /** Shards of weights, and how long each takes. */
  readonly shards?: number
  readonly shardMs?: number
  /** What it says and how it ends instead of getting ready. */
  readonly lastWords?: readonly string[]
  readonly exitCode?: number
  /** Never gets ready. */
  readonly hangs?: boolean
  readonly ignoresTerm?: boolean
  /** SIGTERM cuts what it answers. */
  readonly cutsOnTerm?: boolean
  /** So many times its list of models is not there yet, though its health is good. */
  readonly modelsLate?: number
  /** Starts a process of its own and writes both pids there, a line for each start. */
  readonly pidFile?: string
  /** Arguments and environment are written there. */
  readonly toldFile?: string
  /** Words of an answer; the question's own else. */
  readonly says?: string
  readonly wordMs?: number
  readonly saysAtStart?: readonly string[]
}

const script: Script = JSON.parse(process.argv[2] ?? '{}')
const { server } = script
const given = process.argv.slice(3)
const counted: Counted = {
  running: 0,
  waiting: 0,
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  firstTokenSeconds: [],
}
const key = process.env[server === 'tgi' ? 'API_KEY' : 'VLLM_API_KEY']
let isDeaf = false
let modelsLate = script.modelsLate ?? 0

const say = (line: string) => process.stderr.write(`${line}\n`)

const parsed = parseArguments(server, script.release, given)
if (typeof parsed === 'string') {
  say('usage: vllm serve [model_tag] [options]')
  say(parsed)
  process.exit(2)
}
const { flags } = parsed
const port = Number((flags.get('--port') ?? flags.get('--openai-port'))?.[0])
const host = (flags.get('--host') ?? flags.get('--hostname'))?.[0]
const names = flags.get('--served-model-name') ?? []
const loras = (flags.get('--lora-modules') ?? []).map((each) => each.split('=')[0] ?? '')

if (script.toldFile !== undefined)
  writeFileSync(script.toldFile, JSON.stringify({ given, environment: process.env }))
if (script.pidFile !== undefined) {
  const helper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  appendFileSync(script.pidFile, `${process.pid} ${helper.pid}\n`)
}
for (const line of script.saysAtStart ?? []) say(line)
process.on('SIGTERM', () => {
  if (script.ignoresTerm === true) return
  if (script.cutsOnTerm === true) process.exit(0)
  http.close(() => process.exit(0))
  http.closeIdleConnections()
})

const http = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    say(`ERROR: ${String(error)}`)
    response.destroy()
  })
})

say('INFO Starting to load model weights...')
const shards = script.shards ?? 0
for (let shard = 1; shard <= shards; shard++) {
  await sleep(script.shardMs ?? 0)
  const share = Math.round((100 * shard) / shards)
  process.stderr.write(
    `\rLoading safetensors checkpoint shards: ${String(share).padStart(3)}% Completed | ${shard}/${shards} [00:01<00:00,  1.02s/it]`,
  )
}
process.stderr.write('\n')
for (const line of script.lastWords ?? []) say(line)
if (script.lastWords !== undefined || script.exitCode !== undefined) process.exit(script.exitCode ?? 1)
if (script.hangs === true) await new Promise(() => setInterval(() => {}, 1000))
http.on('error', (error) => {
  say(`OSError: [Errno 98] ${String(error)}`)
  process.exit(1)
})
http.listen(port, host)

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (isDeaf) return
  const path = (request.url ?? '').split('?')[0] ?? ''
  const isHealth = path === (server === 'triton-trtllm' ? '/health/ready' : '/health')
  if (isHealth) return void response.writeHead(200).end()
  if (path === '/metrics')
    return void response.writeHead(200, { 'content-type': 'text/plain' }).end(metricsPage(server, counted))
  // vLLM guards all below /v1; TGI guards what generates.
  const isGuarded = server === 'vllm' ? path.startsWith('/v1') : path === '/v1/chat/completions'
  if (isGuarded && key !== undefined && request.headers.authorization !== `Bearer ${key}`)
    return void json(response, 401, { error: 'Unauthorized' })
  if (path === '/v1/models' && modelsLate-- > 0) return void json(response, 503, {})
  if (path === '/v1/models') return void json(response, 200, { object: 'list', data: [] })
  if (path === '/v1/chat/completions') return chat(request, response)
  json(response, 404, { detail: 'Not Found' })
}

async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  if (server === 'vllm' && !names.includes(body.model) && !loras.includes(body.model))
    return void json(response, 404, {
      error: { message: `The model \`${body.model}\` does not exist.`, type: 'NotFoundError', code: 404 },
    })
  const said = String(body.messages.at(-1)?.content ?? '')
  if (said.includes('go deaf')) isDeaf = true
  if (said.includes('end now')) {
    say('ERROR EngineCore encountered a fatal error.')
    say('RuntimeError: CUDA error: an illegal memory access was encountered')
    process.exit(1)
  }
  if (isDeaf) return
  const words = (script.says ?? said).split(' ').map((word, place) => (place === 0 ? word : ` ${word}`))
  counted.requests++
  counted.running++
  counted.inputTokens += said.split(' ').length
  counted.firstTokenSeconds.push(0.02)
  const base = { id: 'chatcmpl-1', created: 1_700_000_000, model: body.model }
  const usage = {
    prompt_tokens: said.split(' ').length,
    completion_tokens: words.length,
    total_tokens: said.split(' ').length + words.length,
  }
  try {
    if (body.stream !== true) {
      counted.outputTokens += words.length
      const message = { role: 'assistant', content: words.join('') }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      return void json(response, 200, { ...base, object: 'chat.completion', choices, usage })
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (choices: unknown[], more: object = {}) =>
      response.write(
        `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`,
      )
    send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])
    for (const content of words) {
      await sleep(script.wordMs ?? 0)
      counted.outputTokens++
      send([{ index: 0, delta: { content }, finish_reason: null }])
    }
    send([{ index: 0, delta: {}, finish_reason: 'stop' }])
    if (body.stream_options?.include_usage === true) send([], { usage })
    response.end('data: [DONE]\n\n')
  } finally {
    counted.running--
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
