import {
  type Axis,
  type Change,
  changeProposal,
  type DatasetItem,
  type Digest,
  type ModelContract,
  type VersionSpec,
  versionSpec,
} from '../../contracts/index.ts'
import { digestOf } from '../../kernel/index.ts'
import type { BlockStore, CheckContext, CheckRun } from '../lab.ts'

const spamContract: ModelContract = {
  inputs: [{ name: 'text', dtype: 'string', shape: [] }],
  outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
}

/** A context of a spam filter with `items` golden items, labelled ham and spam in turn. */
export function contextFor(options: {
  readonly gatewayUrl: string
  readonly items?: number | readonly DatasetItem[]
  readonly goal?: Axis
  readonly key?: string
  readonly champion?: Partial<VersionSpec>
  readonly candidate?: Partial<VersionSpec>
  readonly artifacts?: Record<string, Buffer>
  readonly margins?: Record<string, number>
  readonly contract?: ModelContract
}): CheckContext {
  const contract = options.contract ?? spamContract
  const proposal = changeProposal.parse({
    model: 'spam_filter',
    to: { label: 'v2' },
    hypothesis: 'It is better.',
    goal: options.goal ?? 'cost',
    margins: options.margins ?? {},
    data: { golden: 'golden' },
  })
  const version = (label: string, spec: Partial<VersionSpec>) => {
    const whole = versionSpec.parse({ engine: 'echo', contract, ...spec })
    return { model: 'spam_filter', label, id: digestOf({ label, whole }), spec: whole, createdAt: 0 }
  }
  const champion = version('v1', options.champion ?? {})
  const candidate = version('v2', options.candidate ?? {})
  const items = typeof options.items === 'object' ? options.items : itemsOf(options.items ?? 200)
  const change: Change = {
    id: 'c-7f3a',
    proposal,
    state: 'checking',
    reason: null,
    champion: { label: 'v1', id: champion.id },
    candidate: { label: 'v2', id: candidate.id },
    author: 'somebody',
    createdAt: 0,
    updatedAt: 0,
    verdict: null,
    checks: [],
    rolloutId: null,
  }
  return {
    change,
    model: {
      model: 'spam_filter',
      description: '',
      owner: '',
      task: '',
      framework: '',
      contract,
      classes: ['ham', 'spam'],
      captureFailures: true,
      createdAt: 0,
    },
    champion,
    candidate,
    golden: { name: 'golden', digest: digestOf(items), items },
    gatewayUrl: options.gatewayUrl,
    key: options.key ?? 'slw_test_key',
    artifact: async (digest: Digest) => options.artifacts?.[digest] ?? Buffer.alloc(0),
    seed: 7,
  }
}

export function itemsOf(count: number): DatasetItem[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `item-${index}`,
    inputs: { text: `this is the text of mail number ${index} with some words` },
    label: index % 2 === 0 ? 'ham' : 'spam',
    slice: { list: index % 4 < 2 ? 'a' : 'b' },
  }))
}

/** The number in the text of an item, noise or not. */
export function numberOf(row: Record<string, unknown>): number {
  return Number(/\d+/.exec(String(row.text))?.[0] ?? 0)
}

/** A run whose blocks are kept in a map, with what was told of its progress. */
export function runWith(options: { signal?: AbortSignal; stored?: Map<number, unknown> } = {}) {
  const stored = options.stored ?? new Map<number, unknown>()
  const told: Parameters<CheckRun['onProgress']>[0][] = []
  const blocks: BlockStore = {
    finished: async () => new Map(stored),
    put: async (index, block) => {
      stored.set(index, JSON.parse(JSON.stringify(block)))
    },
  }
  const run: CheckRun = {
    signal: options.signal ?? new AbortController().signal,
    blocks,
    onProgress: (progress) => told.push(progress),
  }
  return { run, stored, told }
}
