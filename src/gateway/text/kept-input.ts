import type { GenerateRequest, GuardrailVerdict, TextAttempt } from '../../contracts/index.ts'

/** What of a question may be kept when it failed. */
interface Asked {
  /** As the rules of its version left it; undefined while they have not, or where they blocked it. */
  readonly ruled: GenerateRequest | undefined
  readonly verdicts: readonly GuardrailVerdict[]
  readonly attempts: readonly TextAttempt[]
}

/** Room that a row takes in JSON, with the brackets around it, below the contract's 65,536 characters. */
const MAX_ROW_CHARACTERS = 65_000
const CUT = ' … [cut]'

/**
 * Everything that was said, as the one text of a row; undefined where it may not be kept. Nothing is, that a rule took
 * out: a question that its rules did not let pass is not kept, and neither is one that went on to another rung after
 * something was redacted, since each rung begins with what the version's own rules let pass.
 */
function keptPrompt({ attempts, ruled, verdicts }: Asked): string | undefined {
  if (ruled === undefined) return undefined
  const rungs = new Set(attempts.filter(({ aside }) => aside === undefined).map(({ rung }) => rung))
  const isRedacted = verdicts.some(
    ({ checkpoint, mode, verdict }) =>
      mode === 'enforce' && verdict !== 'pass' && checkpoint !== 'output' && checkpoint !== 'stream',
  )
  if (isRedacted && rungs.size > 1) return undefined
  const texts = ruled.messages.flatMap(({ content }) =>
    content.flatMap((part) => (part.type === 'text' ? [part.text] : [])),
  )
  return bounded(texts.join('\n\n'))
}

/** Of each question that may be kept. */
export function keptRows(
  questions: readonly (Pick<Asked, 'verdicts' | 'attempts'> & { readonly subject: Pick<Asked, 'ruled'> })[],
): { prompt: string }[] {
  return questions.flatMap(({ attempts, subject, verdicts }) => {
    const prompt = keptPrompt({ attempts, verdicts, ruled: subject.ruled })
    return prompt === undefined ? [] : [{ prompt }]
  })
}

/** Escapes count: a text of line ends is twice as long in JSON. */
function bounded(text: string): string {
  let kept = text.slice(0, MAX_ROW_CHARACTERS)
  let isCut = kept.length < text.length
  for (
    let size = JSON.stringify(kept).length;
    size > MAX_ROW_CHARACTERS;
    size = JSON.stringify(kept).length
  ) {
    kept = kept.slice(0, Math.floor((kept.length * MAX_ROW_CHARACTERS) / size) - CUT.length)
    isCut = true
  }
  return isCut ? kept + CUT : kept
}
