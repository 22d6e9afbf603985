/**
 * Every command that the pages show is pasted into a shell, page by page, against an installation that the first page
 * starts. What cannot run here, or not in this time, stands in `ELSEWHERE` with what covers it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openReader, type Reader } from './installation.ts'
import { type Block, readPage, readPages } from './pages.ts'

/** In this order: the first makes what the others use, the last stops and restores it. */
const ORDER = ['docs/first-change.md', 'README.md']
const LAST = 'docs/operate.md'

/** By the first line of a block: what is pasted in its place (nothing: it is left out), and why. */
const ELSEWHERE: Readonly<Record<string, { readonly instead?: string; readonly why: string }>> = {
  'make up      # install, build, start everything on this machine, and carry the sample change live': {
    why: 'test/story runs it on the packed package; `make test` is what runs this test',
  },
  'export PATH=$PWD/bin:$PATH\nslipway change run samples/looks-better/change.yaml': {
    instead: 'slipway status',
    why: 'test/story carries both samples to their ends; down is the last thing this test does',
  },
  'slipway change run my-model/change.yaml': {
    instead:
      'slipway change run my-model/change.yaml --detach\nslipway deploy inbox v2\nslipway traffic set inbox v2=100',
    why: 'it measures for minutes; test/story carries a change live. Its end is made by hand',
  },
}

/** By a line of a block: what must be in its output. */
const SAYS: Readonly<Record<string, RegExp>> = {
  'slipway up --bare': /✔ control .*✔ gateway/,
  'slipway deploy inbox v1 --traffic 100': /✔ inbox v1 is active/,
  '  -d \'{"inputs": [{"text": "You have won a prize. Click here!"}]}\'':
    /"model":"inbox","version":"v1","outputs":\[\{"label":1,"spam_probability":0\.\d+\}\]/,
  'slipway predict inbox \'[{"text": "Lunch at noon?"}, {"text": "Buy now"}]\' --pin v1': /v1 .*\nv1 /,
  'slipway change plan my-model/change.yaml': /latency +about .*canary/s,
  'slipway change status c-7f3a': /v1 → v2 +goal: accuracy/,
  'slipway verify my-model/bundle.json': /✔ c-\w+ verifies/,
  '  -H \'content-type: application/json\' -H \'accept: application/octet-stream\' -d \'{"inputs": [{"text": "Hello"}]}\' | od -A n -t x1':
    /^( [0-9a-f]{2}){12}\s*$/,
  'curl -sS --fail-with-body -D - -o /dev/null -H "authorization: Bearer $KEY" http://127.0.0.1:8081/api/v1/deployments/inbox/traffic':
    /"items":.*etag: "\d+"/is,
  'slipway rollback inbox': /✔ inbox: v1 100 %/,
  'slipway change abort c-7f3a --reason "not before the weekend"': /✔ c-\w+ stopped; it is withdrawn/,
  'slipway keys create shop --scope predict --requests-per-second 200 --concurrency 64':
    /shop: slw_\w+.*shop +default +predict +200\/s, 64 at once/s,
  'slipway traffic set inbox v1=90 v2=10': /✔ inbox: v1 90 %, v2 10 %/,
  'slipway predict drill \'{"x": 1}\' --pin bad || echo "failed, as it should: exit code $?"':
    /failed, as it should: exit code 3/,
  'mv .slipway lost && tar -xzf backup.tgz': /inbox +v1 +100 % +/,
}

let reader: Reader
let changeId = 'c-7f3a'
beforeAll(async () => {
  reader = await openReader()
})
afterAll(() => reader?.close(), 120_000)

const others = readPages()
  .map(({ path }) => path)
  .filter((path) => !ORDER.includes(path) && path !== LAST)

describe.each(withCommands([...ORDER, ...others]))('%s', pasted)

test('every metric that a process gives is documented, and no other', async () => {
  const { replicas } = JSON.parse((await reader.paste(REPLICAS)).out) as { replicas: string[] }
  const internal = readFileSync(join(reader.folder, '.slipway/secrets/internal-key'), 'utf8').trim()
  // Of rows and of text: what one of them has, the other need not.
  const ofReplicas = await Promise.all(replicas.map((replica) => metricsOf(replica, internal)))
  const given = new Set([
    ...(await metricsOf(reader.gatewayUrl, reader.key())),
    ...(await metricsOf(reader.controlUrl, reader.key())),
    ...ofReplicas.flat(),
  ])
  const documented = [...readPage('docs/reference/metrics.md').text.matchAll(/^\| `(\w+)`/gm)].map(
    (match) => match[1],
  )
  const known = [...given].filter((name) => !name.startsWith('slipway_control_'))
  expect(documented.sort()).toEqual(known.sort())
})

describe.each(withCommands([LAST]))('%s', pasted)

/** The addresses of ready replicas. */
const REPLICAS = `slipway status --json | node -p '
  const { processes } = JSON.parse(require("fs").readFileSync(0))
  const ready = processes.filter((one) => one.kind === "replica" && one.ready && one.address !== null)
  JSON.stringify({ replicas: ready.map((one) => one.address) })'`

async function metricsOf(url: string, key: string): Promise<string[]> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })
  expect(answer.status).toBe(200)
  return [...(await answer.text()).matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1] as string)
}

function withCommands(paths: readonly string[]): string[] {
  return paths.filter((path) => commandsOf(path).length > 0)
}

function commandsOf(path: string): Block[] {
  return readPage(path).blocks.filter(({ language }) => ['sh', 'bash', 'console'].includes(language))
}

function pasted(path: string): void {
  const blocks = commandsOf(path)
  test.for(blocks.map((block) => [`line ${block.line}: ${block.text.split('\n')[0]}`, block] as const))(
    '%s',
    { timeout: 120_000 },
    async ([, block]) => {
      const script = scriptOf(block)
      if (script === '') return
      const { code, out } = await reader.paste(script.replaceAll('c-7f3a', changeId))
      expect(code, out).toBe(0)
      if (block.text === scriptOf(block))
        for (const [line, says] of Object.entries(SAYS))
          if (block.text.split('\n').includes(line)) expect(out).toMatch(says)
      changeId = /change (c-[a-z0-9]+)/.exec(out)?.[1] ?? changeId
    },
  )
}

test('nothing is excused or expected that no page shows', () => {
  const shown = readPages().flatMap(({ blocks }) => blocks.map(({ text }) => text))
  for (const start of Object.keys(ELSEWHERE))
    expect(
      shown.some((text) => text.startsWith(start)),
      start,
    ).toBe(true)
  for (const line of Object.keys(SAYS))
    expect(
      shown.some((text) => text.split('\n').includes(line)),
      line,
    ).toBe(true)
})

function scriptOf(block: Block): string {
  const excused = Object.entries(ELSEWHERE).find(([start]) => block.text.startsWith(start))
  return excused === undefined ? block.text : (excused[1].instead ?? '')
}
