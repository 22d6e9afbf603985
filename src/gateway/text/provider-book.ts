import type { Provider, ProviderTimeouts, Snapshot } from '../../contracts/index.ts'
import type { Logger } from '../../kernel/index.ts'
import type { ProviderView, TextUpstream } from '../../providers/index.ts'

interface OpenProvider {
  readonly revision: number
  readonly upstream: TextUpstream
  readonly timeouts: ProviderTimeouts
}

/**
 * The remote providers of the current snapshot. One that did not change keeps its connections, accounts and circuits
 * over snapshots; one that did is opened anew before the old one is let go, which then finishes what it has.
 */
export class ProviderBook {
  readonly #open: (provider: Provider) => TextUpstream
  readonly #log: Logger
  #providers = new Map<string, OpenProvider>()

  constructor(open: (provider: Provider) => TextUpstream, log: Logger) {
    this.#open = open
    this.#log = log
  }

  /** Only providers that some version or rule names are opened. */
  follow(snapshot: Snapshot): void {
    const wanted = new Set<string>()
    for (const model of snapshot.models)
      for (const { text } of model.versions) {
        if (text?.provider !== undefined) wanted.add(text.provider)
        for (const rule of text?.guardrails ?? []) if (rule.kind === 'moderation') wanted.add(rule.provider)
      }
    const before = this.#providers
    const now = new Map<string, OpenProvider>()
    for (const provider of snapshot.providers ?? []) {
      if (!wanted.has(provider.name)) continue
      const known = before.get(provider.name)
      const opened = known?.revision === provider.revision ? known : this.#opened(provider)
      if (opened !== undefined) now.set(provider.name, opened)
    }
    this.#providers = now
    for (const [name, { upstream }] of before) if (now.get(name)?.upstream !== upstream) this.#let(upstream)
  }

  of(name: string | undefined): OpenProvider | undefined {
    return name === undefined ? undefined : this.#providers.get(name)
  }

  views(): ProviderView[] {
    return [...this.#providers.values()].flatMap(({ upstream }) => upstream.view?.() ?? [])
  }

  close(): void {
    for (const { upstream } of this.#providers.values()) this.#let(upstream)
    this.#providers = new Map()
  }

  /** One provider that cannot be opened (a secret is missing) must not take the snapshot of all others with it. */
  #opened(provider: Provider): OpenProvider | undefined {
    const { name, revision, timeouts } = provider
    try {
      return { revision, upstream: this.#open(provider), timeouts }
    } catch (error) {
      this.#log.error({ err: error, provider: name }, 'provider not opened')
      return undefined
    }
  }

  #let(upstream: TextUpstream): void {
    upstream.close().catch((error: unknown) => this.#log.error({ err: error }, 'provider not closed'))
  }
}
