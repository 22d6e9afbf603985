/** Forms of secrets whatever their name: Hugging Face, OpenAI and alike, AWS, GitHub, Slipway; a JSON web token. */
const SECRETS =
  /\b(?:hf_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{20,}|slw_[A-Za-z0-9_-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]+)/g
/** What follows a name that says so: `api_key='…'`, `--hf-token …`, `"password": "…"`, `'api_key': ['…']`. */
const NAMED =
  /((?:api[-_]?key|hf[-_]?token|access[-_]?token|auth[-_]?token|secret(?:[-_]access[-_]key)?|password|authorization)["']?\s*[:=\s]\s*(?:bearer\s+)?[["'(]*)([^\s"'\],)}]{4,})/gi
/** Whoever, and the password, before the host. */
const IN_URL = /(\/\/[^/\s:@]*:)[^/\s@]+@/g
const MASK = '•••'

/** Shorter ones would hide words that mean nothing. */
const SHORTEST_SECRET = 6

/**
 * Hides secrets in the lines of a program that does not know which of its words are secret: vLLM writes down every
 * argument that was given to it. `known` are values that must never be seen, such as those of the environment.
 */
export function secretMask(known: readonly string[]): (line: string) => string {
  const exact = known
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((left, right) => right.length - left.length)
  return (line) => {
    let masked = line
    for (const secret of exact) masked = masked.replaceAll(secret, MASK)
    return masked
      .replace(IN_URL, `$1${MASK}@`)
      .replace(NAMED, (_, before: string) => `${before}${MASK}`)
      .replace(SECRETS, MASK)
  }
}

/** The values of an environment whose names say that they are secret. */
export function secretsOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && /(TOKEN|KEY|SECRET|PASSWORD|CREDENTIAL)/i.test(name) ? [value] : [],
  )
}
