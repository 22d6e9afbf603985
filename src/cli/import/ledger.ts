import type { Path, Source } from './source.ts'

export type ReportOutcome = 'kept' | 'changed' | 'not-preserved'

/** What became of one value of the imported file. The value itself is never told: it may be a secret. */
export interface ReportLine {
  /** `model_list[0].litellm_params.rpm`; in JSON `$.targets[0].weight`. */
  readonly path: string
  /** In YAML, from 1. */
  readonly line?: number
  readonly outcome: ReportOutcome
  /** Where it went. */
  readonly to?: string
  readonly why?: string
}

interface Entry {
  readonly outcome: ReportOutcome
  readonly to?: string
  readonly why?: string
}

const UNKNOWN = 'Slipway has nothing of this name; see whether you need it.'

/** Who says of each value what became of it. A value that nobody speaks for is told as not preserved. */
export class Ledger {
  readonly #source: Source
  readonly #entries = new Map<string, Entry>()
  readonly #dropped = new Map<string, string>()

  constructor(source: Source) {
    this.#source = source
  }

  kept(path: Path, to: string): void {
    this.#tell(path, { outcome: 'kept', to })
  }

  changed(path: Path, to: string, why: string): void {
    this.#tell(path, { outcome: 'changed', to, why })
  }

  lost(path: Path, why: string): void {
    this.#tell(path, { outcome: 'not-preserved', why })
  }

  /** Lost with all that it holds, whatever was said of that. */
  dropped(path: Path, why: string): void {
    this.#dropped.set(JSON.stringify(path), why)
  }

  /** One line for each value of the source, in its order. */
  lines(): ReportLine[] {
    return this.#source.leaves.map(({ line, path }) => ({
      path: written(path, line === undefined),
      ...(line === undefined ? {} : { line }),
      ...(this.#of(path) ?? { outcome: 'not-preserved', why: UNKNOWN }),
    }))
  }

  #tell(path: Path, entry: Entry): void {
    const key = JSON.stringify(path)
    const before = this.#entries.get(key)
    // A loss is not to be hidden by another use of the same value.
    if (before === undefined || SEVERITY[entry.outcome] >= SEVERITY[before.outcome])
      this.#entries.set(key, entry)
  }

  /** Said of the value itself, or of the nearest that holds it. */
  #of(path: Path): Entry | undefined {
    for (let length = path.length; length >= 0; length--) {
      const why = this.#dropped.get(JSON.stringify(path.slice(0, length)))
      if (why !== undefined) return { outcome: 'not-preserved', why }
    }
    for (let length = path.length; length > 0; length--) {
      const entry = this.#entries.get(JSON.stringify(path.slice(0, length)))
      if (entry !== undefined) return entry
    }
    return undefined
  }
}

const SEVERITY: Readonly<Record<ReportOutcome, number>> = { kept: 0, changed: 1, 'not-preserved': 2 }

function written(path: Path, isJson: boolean): string {
  const steps = path.map((step, index) =>
    typeof step === 'number' ? `[${step}]` : `${index > 0 || isJson ? '.' : ''}${step}`,
  )
  return `${isJson ? '$' : ''}${steps.join('')}`
}
