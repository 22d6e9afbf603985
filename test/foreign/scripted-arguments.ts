import { readFileSync } from 'node:fs'

/** What is recorded about a server's flags, as far as a stand-in needs it. */
export interface Facts {
  readonly flags: Readonly<Record<string, readonly string[]>>
  readonly switches: readonly string[]
  readonly settings: Readonly<Record<string, { flag?: string; choices?: readonly string[] }>>
}

export interface Parsed {
  readonly positional: readonly string[]
  /** Values by flag; a switch has none. */
  readonly flags: ReadonlyMap<string, readonly string[]>
}

export function factsOf(server: string): Facts {
  return JSON.parse(readFileSync(new URL(`facts/${server}.json`, import.meta.url), 'utf8'))
}

/** Takes what the real parser takes, by the recorded names; the refusal is in the real one's words. */
export function parseArguments(server: string, release: string, given: readonly string[]): Parsed | string {
  const facts = factsOf(server)
  const known = new Set(facts.flags[release] ?? [])
  const flags = new Map<string, string[]>()
  const positional: string[] = []
  let open: string[] | undefined
  let takesMany = false
  for (const word of given) {
    if (!word.startsWith('--')) {
      if (open !== undefined && (takesMany || open.length === 0)) open.push(word)
      else if (server === 'vllm') positional.push(word)
      else return `error: unexpected argument '${word}' found`
      continue
    }
    const positive = word.replace(/^--no-/, '--')
    const isSwitch = facts.switches.includes(positive)
    if (!known.has(word) && !(server === 'vllm' && isSwitch && known.has(positive)))
      return server === 'tgi'
        ? `error: unexpected argument '${word}' found`
        : `${programOf(server)}: error: unrecognized arguments: ${word}`
    const values: string[] = []
    flags.set(word, values)
    open = isSwitch ? undefined : values
    takesMany = word === '--lora-modules' || word === '--served-model-name'
  }
  for (const { choices, flag } of Object.values(facts.settings)) {
    const value = flag === undefined ? undefined : flags.get(flag)?.[0]
    if (flag === undefined || choices === undefined || value === undefined || choices.includes(value))
      continue
    return server === 'tgi'
      ? `error: invalid value '${value}' for '${flag} <${flag.slice(2).toUpperCase()}>'`
      : `${programOf(server)}: error: argument ${flag}: invalid choice: '${value}' (choose from ${choices.join(', ')})`
  }
  return { positional, flags }
}

function programOf(server: string): string {
  return server === 'vllm' ? 'vllm serve' : 'main.py'
}
