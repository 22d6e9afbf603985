import { z } from 'zod'
import {
  type ArtifactRef,
  axis,
  type ChangeProposal,
  changeProposal,
  datasetName,
  guardName,
  modelName,
  riskTier,
} from '../contracts/index.ts'
import { isPromptPath, percent, percentagePoints, versionFields } from './file-values.ts'
import type { FileToUpload } from './upload.ts'
import { filesOf, withReferences } from './version-files.ts'
import { readYamlFile, type YamlFile } from './yaml-file.ts'

/** The form of `change.yaml`. Units are written out; paths are relative to the file. */
export const changeFileForm = z.strictObject({
  model: modelName,
  from: z.string().default('champion'),
  to: z.strictObject(versionFields),
  hypothesis: z.string().min(1).max(2000),
  goal: axis,
  margins: z
    .strictObject({
      accuracy: percentagePoints.optional(),
      stabilityFlips: percentagePoints.optional(),
      latencyP95: percent.optional(),
      cost: percent.optional(),
    })
    .optional(),
  data: z.strictObject({ golden: datasetName, holdout: z.boolean().optional() }),
  risk: riskTier.optional(),
  rollout: z
    .strictObject({
      strategy: z.enum(['canary']).optional(),
      steps: z.array(z.number().positive().max(100)).min(1).max(20).optional(),
      guards: z.array(guardName).min(1).optional(),
      guardMargins: z.partialRecord(guardName, percentagePoints).optional(),
      windowMs: z.number().int().min(1000).max(10_000).optional(),
      alphaAbort: z.number().positive().max(0.2).optional(),
      alphaPromote: z.number().positive().max(0.2).optional(),
      scaleDownDelayMs: z.number().int().min(0).max(86_400_000).optional(),
      expectedRequestsPerSecond: z.number().positive().max(10_000_000).optional(),
    })
    .optional(),
})
type Form = z.output<typeof changeFileForm>

export interface ChangeFile {
  readonly model: string
  /** What has to be stored before the change can be proposed. */
  readonly files: FileToUpload[]
  /** What has to be read into it. */
  readonly texts: FileToUpload[]
  /** The proposal with the digests that the uploads got and the texts, by pointer (see `uploadFiles`, `readTexts`). */
  proposal(references: ReadonlyMap<string, ArtifactRef>, texts?: ReadonlyMap<string, string>): ChangeProposal
}

/** Stands for files that were not stored yet. */
const ANY_FILE = { digest: `sha256:${'0'.repeat(64)}`, name: '' }

/** Throws `FileError`: unknown keys, wrong units, impossible plans; with line, reason and what to write instead. */
export function parseChangeFile(text: string, file = 'change.yaml'): ChangeFile {
  const read = readYamlFile(text, file, changeFileForm)
  refuseImpossible(read)
  const { to } = read.value
  const files = filesOf(to, '/to')
  const texts = isPromptPath(to.prompt) ? [{ path: to.prompt, pointer: '/to/prompt' }] : []
  const propose = (
    references: ReadonlyMap<string, ArtifactRef>,
    words: ReadonlyMap<string, string> = new Map(),
  ) =>
    changeProposal.parse({
      ...read.value,
      to: {
        ...withReferences(to, '/to', (pointer) => references.get(pointer)),
        ...(texts.length === 0 ? {} : { prompt: words.get('/to/prompt') }),
      },
    })
  const limits = changeProposal.safeParse({ ...read.value, to: withReferences(to, '/to', () => ANY_FILE) })
  if (!limits.success) {
    const issue = limits.error.issues[0]
    read.refuse(
      issue?.path ?? [],
      `${issue?.path.join('.')}: ${issue?.message}`,
      'Choose a value inside the limits.',
    )
  }
  return { model: read.value.model, files, texts, proposal: propose }
}

function refuseImpossible({ value, refuse }: YamlFile<Form>): void {
  const steps = value.rollout?.steps ?? []
  steps.forEach((share, index) => {
    const before = steps[index - 1]
    if (before !== undefined && share <= before)
      refuse(
        ['rollout', 'steps', index],
        `step ${share} does not grow over ${before}.`,
        'List growing shares: [1, 5, 25, 50, 100].',
      )
  })
  if (steps.length > 0 && steps.at(-1) !== 100)
    refuse(
      ['rollout', 'steps', steps.length - 1],
      `the last step is ${steps.at(-1)} %, so the change would never be live.`,
      'End the steps with 100.',
    )
  const guards = value.rollout?.guards ?? []
  guards.forEach((guard, index) => {
    if (guards.indexOf(guard) !== index)
      refuse(['rollout', 'guards', index], `${guard} is watched twice.`, 'Name each guard once.')
  })
  const watched: readonly string[] = value.rollout?.guards ?? ['errors', 'timeouts', 'latencyP99']
  for (const guard of Object.keys(value.rollout?.guardMargins ?? {}))
    if (!watched.includes(guard))
      refuse(
        ['rollout', 'guardMargins', guard],
        `${guard} has a margin but is not among the guards.`,
        `Add ${guard} to guards, or drop its margin.`,
      )
  if (value.goal === 'security')
    refuse(
      ['goal'],
      'no check measures security yet, so this goal could never be reached.',
      'One of: cost, latency, accuracy, stability.',
    )
  if (value.from === value.to.label)
    refuse(
      ['to', 'label'],
      `${value.to.label} is both where the change starts and where it leads.`,
      'Give the candidate its own label.',
    )
}
