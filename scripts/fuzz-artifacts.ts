/**
 * Feeds changed model files to the readers of src/artifacts for as long as asked, and stops at the first that neither
 * reads nor refuses in the way of the house, or takes more than a second of processor time. The seed and the file repeat it.
 *
 *   node scripts/fuzz-artifacts.ts [--seconds 300] [--seed 1] [name part]...
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { factsOf, sourceOf } from '../src/artifacts/index.ts'
import { mutate } from '../src/artifacts/testing/mutate.ts'
import { isSlipwayError, seededRandom } from '../src/kernel/index.ts'

const MOST_MS = 1000
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const folder = new URL('../src/artifacts/testing/files', import.meta.url).pathname
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  .filter((name) => /\.(gguf|safetensors|json|ubj|txt|onnx|pt2?|pkl|pb)$/.test(name))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))

for (const name of paths) fuzz(name, Number(values.seconds) * 1000, Number(values.seed))

function fuzz(name: string, forMs: number, seed: number): void {
  const original = readFileSync(join(folder, name))
  const random = seededRandom(seed)
  const startedMs = performance.now()
  let tried = 0
  let isRead = 0
  let slowestMs = 0
  while (performance.now() - startedMs < forMs) {
    const bytes = mutate(original, random)
    const before = process.cpuUsage()
    try {
      factsOf(sourceOf(bytes, name))
      isRead++
    } catch (error) {
      if (!isSlipwayError(error)) stop(name, seed, tried, bytes, error)
    }
    tried++
    // Processor time, so that a busy machine is not taken for a slow reader.
    const { user, system } = process.cpuUsage(before)
    const tookMs = (user + system) / 1000
    slowestMs = Math.max(slowestMs, tookMs)
    if (tookMs > MOST_MS) stop(name, seed, tried, bytes, `took ${Math.round(tookMs)} ms`)
  }
  console.log(
    `${name}: ${tried} changed files in ${Math.round((performance.now() - startedMs) / 1000)} s, ${isRead} read, the rest refused; slowest ${slowestMs.toFixed(1)} ms`,
  )
}

function stop(name: string, seed: number, tried: number, bytes: Buffer, why: unknown): never {
  const kept = join(tmpdir(), `fuzz-${name.replaceAll('/', '-')}`)
  writeFileSync(kept, bytes)
  console.error(`${name}, seed ${seed}, file ${tried} (kept as ${kept}):`, why)
  process.exit(1)
}
