/** Secrets by reference. What stands in clear in a file becomes a name to set; its value goes nowhere. */
export class SecretNames {
  readonly #named = new Map<string, string>()
  readonly #taken: Set<string>

  /** @param taken names that the file uses already. */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken)
  }

  /** `OPENAI_API_KEY`, or with a number where another value has that name; the same value gets the same name. */
  nameFor(value: string, wanted: string): string {
    const known = this.#named.get(value)
    if (known !== undefined) return known
    const base = wanted
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, '_')
      .replace(/^(?=\d)/, '_')
      .slice(0, 90)
    let name = base
    for (let number = 2; this.#taken.has(name); number++) name = `${base}_${number}`
    this.#taken.add(name)
    this.#named.set(value, name)
    return name
  }

  toSet(): string[] {
    return [...this.#named.values()].sort()
  }
}

export function envRef(name: string): string {
  return `\${env:${name}}`
}

/** Headers whose values are known to be no secrets; any other may be one. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  'http-referer',
  'openai-beta',
  'user-agent',
  'x-title',
])

export function isPlainHeader(name: string): boolean {
  return PLAIN_HEADERS.has(name.toLowerCase())
}
