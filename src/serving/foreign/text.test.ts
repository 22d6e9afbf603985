import { test as property } from '@fast-check/vitest'
import { array, constantFrom, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foreignKinds } from './foreign-kinds.ts'
import { LineSplitter } from './line-splitter.ts'
import { secretMask, secretsOf } from './mask-secrets.ts'
import { readPrometheus } from './prometheus-text.ts'
import { readEnd } from './read-end.ts'
import { readScrape } from './scrape.ts'

describe('secrets in what a server says', () => {
  const mask = secretMask(['s3cr3t-of-the-environment', 'abc'])
  test.each([
    ["non-default args: {'api_key': ['my-own-key'], 'host': '127.0.0.1'}", 'my-own-key'],
    ['HF_TOKEN is hf_AbCdEfGhIjKlMnOp', 'hf_AbCdEfGhIjKlMnOp'],
    ['started with --api-key sesame-open', 'sesame-open'],
    ['"password": "correct horse"', 'correct'],
    ['Authorization: Bearer abcdef123456', 'abcdef123456'],
    ['pulled https://user:hunter22@hub.example.com/x', 'hunter22'],
    ['key sk-proj-1234567890', 'sk-proj-1234567890'],
    ['it was s3cr3t-of-the-environment again', 's3cr3t-of-the-environment'],
  ])('%s', (line, secret) => {
    const masked = mask(line)
    expect(masked).not.toContain(secret)
    expect(masked).toContain('•••')
  })
  test('words that are none stay', () => {
    const line = 'INFO 11-25 15:00:00 [loggers.py:116] Engine 000: Avg prompt throughput: 12.0 tokens/s, abc'
    expect(mask(line)).toBe(line)
  })
  test('those of an environment are known by their names', () => {
    expect(secretsOf({ HF_TOKEN: 'a', PATH: '/bin', VLLM_API_KEY: 'b', NONE: undefined })).toEqual(['a', 'b'])
  })
})

describe('lines', () => {
  property.prop([array(string({ unit: 'binary-ascii' })), uint8Array({ min: 1, max: 9 })])(
    'are the same however the bytes are cut',
    (lines, cuts) => {
      const text = lines.map((line) => `${line.replaceAll(/[\r\n]/g, '')}\n`).join('')
      const bytes = Buffer.from(text)
      const found: string[] = []
      const splitter = new LineSplitter((line) => found.push(line))
      for (let at = 0, cut = 0; at < bytes.length; cut++) {
        const size = cuts[cut % Math.max(1, cuts.length)] ?? 3
        splitter.push(bytes.subarray(at, at + size))
        at += size
      }
      splitter.end()
      expect(found).toEqual(text.split('\n').filter((line) => line.trim() !== ''))
    },
  )
  test('a line without an end is cut and does not grow', () => {
    const found: string[] = []
    const splitter = new LineSplitter((line) => found.push(line))
    for (let count = 0; count < 100; count++) splitter.push(Buffer.alloc(1000, 'x'))
    splitter.end()
    expect(found).toEqual(['x'.repeat(4096)])
  })
})

describe('why a server ended', () => {
  const ended = { exitCode: 1, signal: null }
  test.each([
    [
      'the root cause, and not what follows from it',
      'vllm',
      [
        '(EngineCore_0 pid=9) ERROR torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
        'Traceback (most recent call last):',
        'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
      ],
      'engine_out_of_memory',
      'CUDA out of memory. Tried to allocate 2.00 GiB',
    ],
    [
      'no room for a cache',
      'vllm',
      ['ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`.'],
      'engine_out_of_memory',
      'No available memory for the cache blocks. Try increasing `gpu_memory_utilization`',
    ],
    [
      'a rank that is too large',
      'vllm',
      ['ValueError: LoRA rank 64 is greater than max_lora_rank 16.'],
      'engine_refused',
      'LoRA rank 64 is greater than max_lora_rank 16',
    ],
    [
      'weights that are not there',
      'vllm',
      ["ValueError: Invalid repository ID or local directory specified: '/models/none'."],
      'engine_refused',
      "Invalid repository ID or local directory specified: '/models/none'",
    ],
    [
      'an exception that nobody knows',
      'vllm',
      ['KeyError: rope', 'INFO bye'],
      'engine_ended',
      'exit status 1; last it said: KeyError: rope',
    ],
    ['nothing', 'tgi', [], 'engine_ended', 'exit status 1'],
  ] as const)('%s', (_, server, lines, code, reason) => {
    expect(readEnd(foreignKinds[server], 'vllm', lines, ended)).toEqual({ code, reason })
  })
  test.each([
    [
      'an unknown flag',
      'vllm',
      ['usage: vllm serve [options]', 'vllm serve: error: unrecognized arguments: --what 1'],
      'unrecognized arguments: --what 1',
    ],
    [
      'a value that clap does not know',
      'tgi',
      ["error: invalid value 'x' for '--quantize <QUANTIZE>'"],
      "invalid value 'x' for '--quantize <QUANTIZE>'",
    ],
  ] as const)('%s, by a line and the status that goes with it', (_, server, lines, reason) => {
    const read = (exitCode: number) =>
      readEnd(foreignKinds[server], 'vllm', lines, { exitCode, signal: null })
    expect(read(2)).toEqual({ code: 'engine_refused', reason })
    expect(read(1)).toMatchObject({ code: 'engine_ended' })
  })
  test('a command that is not there, and a kill by the system', () => {
    expect(readEnd(foreignKinds.vllm, 'vllm', [], { exitCode: 127, signal: null })).toEqual({
      code: 'engine_refused',
      reason: 'the command vllm was not found; install it, or name it in vllm.command',
    })
    expect(readEnd(foreignKinds.vllm, 'vllm', [], { exitCode: null, signal: 'SIGKILL' }).reason).toMatch(
      /^killed by SIGKILL/,
    )
  })
})

describe('metrics', () => {
  test('of the text format: labels, escapes, exponents, comments, what is none of it', () => {
    expect(
      readPrometheus(
        '# HELP a b\na{x="1",y="a \\"b\\" \\\\ \\n,c}"} 1e3 1700000000\nb +Inf\nnot a line at all\n{x="1"} 2\nc{} -2.5\n',
      ),
    ).toEqual([
      { name: 'a', labels: { x: '1', y: 'a "b" \\ \n,c}' }, value: 1000 },
      { name: 'b', labels: {}, value: Number.POSITIVE_INFINITY },
      { name: 'c', labels: {}, value: -2.5 },
    ])
  })
  test('of several engines are added, shares are averaged, older names are taken, and what is missing is left out', () => {
    const { firstToken, gauges } = readScrape(
      foreignKinds.vllm,
      `vllm:num_requests_running{engine="0"} 3.0
vllm:num_requests_running{engine="1"} 4.0
vllm:gpu_cache_usage_perc{engine="0"} 0.2
vllm:gpu_cache_usage_perc{engine="1"} 0.4
vllm:gpu_prefix_cache_hits_total 5
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1"} 1
vllm:time_to_first_token_seconds_bucket{engine="1",le="0.1"} 2
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf"} 2
vllm:time_to_first_token_seconds_bucket{engine="1",le="+Inf"} 2
vllm:time_to_first_token_seconds_sum{engine="0"} 0.5
vllm:time_to_first_token_seconds_sum{engine="1"} 0.25
vllm:time_to_first_token_seconds_count{engine="0"} 2
vllm:time_to_first_token_seconds_count{engine="1"} 2
`,
    )
    expect(gauges).toEqual({ running: 7, kvCacheShare: expect.closeTo(0.3), prefixHitTokens: 5 })
    expect(firstToken).toEqual({
      buckets: [
        { le: 0.1, count: 3 },
        { le: Number.POSITIVE_INFINITY, count: 4 },
      ],
      sum: 0.75,
      count: 4,
    })
  })
  property.prop([
    array(constantFrom('a', '{', '}', '"', '=', ' ', '\n', '\\', '1', 'le', ',')).map((parts) =>
      parts.join(''),
    ),
  ])('are read from anything without a fault', (text) => {
    for (const kind of Object.values(foreignKinds)) expect(() => readScrape(kind, text)).not.toThrow()
  })
})
