import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { digestOf, SlipwayError } from '../../kernel/index.ts'
import { type Block, block } from './block.ts'
import type { TrialPlan } from './plan.ts'

export interface EvidenceFile {
  readonly finished: readonly Block[]
  keep(block: Block): Promise<void>
}

/** Of plan and blocks and nothing else: equal blocks have equal hashes, whoever measured in how many goes. */
export function evidenceHash(plan: TrialPlan, blocks: readonly Block[]): string {
  return digestOf(JSON.parse(JSON.stringify({ plan, blocks })))
}

/**
 * JSON lines: the plan, then a block each. A last line that was cut off in the middle is measured again. Throws
 * `workload_invalid` when the file belongs to another plan, or a whole line in it is damaged.
 */
export async function openEvidenceFile(path: string, plan: TrialPlan): Promise<EvidenceFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole === '') await writeFile(path, `${JSON.stringify({ plan })}\n`)
  else if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole))
  const [head, ...rest] = whole.split('\n').filter((line) => line !== '')
  if (
    head !== undefined &&
    digestOf(parsed(head, path, 1)) !== digestOf(JSON.parse(JSON.stringify({ plan })))
  )
    throw new SlipwayError('workload_invalid', {
      file: path,
      line: 1,
      reason: 'it holds the blocks of another plan; name another file, or give the same options',
    })
  return {
    finished: rest.map((line, index) => {
      const read = block.safeParse(parsed(line, path, index + 2))
      if (read.success) return read.data
      throw new SlipwayError('workload_invalid', { file: path, line: index + 2, reason: 'it is no block' })
    }),
    keep: (kept) => appendFile(path, `${JSON.stringify(kept)}\n`),
  }
}

function parsed(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new SlipwayError('workload_invalid', { file, line: number, reason: 'it is not JSON' })
  }
}
