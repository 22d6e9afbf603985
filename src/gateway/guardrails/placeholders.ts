import type { Finding } from './rule.ts'

/** `[EMAIL_1]`: what stands for what was taken out, the same for the same text throughout a request. */
const PLACEHOLDER = /\[[A-Z][A-Z-]{1,30}_\d{1,4}\]/g
export const PLACEHOLDER_CHARACTERS = 40

/** What was taken out of a request and shall come back in its answer. Lives as long as the request. */
export class Placeholders {
  readonly #byOriginal = new Map<string, string>()
  readonly #byPlaceholder = new Map<string, string>()

  get isEmpty(): boolean {
    return this.#byOriginal.size === 0
  }

  placeholderFor(original: string, label: string): string {
    const known = this.#byOriginal.get(original)
    if (known !== undefined) return known
    const placeholder = `[${label.toUpperCase()}_${this.#byOriginal.size + 1}]`
    this.#byOriginal.set(original, placeholder)
    this.#byPlaceholder.set(placeholder, original)
    return placeholder
  }

  restore(text: string): string {
    return text.replace(PLACEHOLDER, (placeholder) => this.#byPlaceholder.get(placeholder) ?? placeholder)
  }
}

/** The text with each finding replaced. */
export function replaceFindings(
  text: string,
  findings: readonly Finding[],
  replacement: (original: string, label: string) => string,
): string {
  let result = ''
  let at = 0
  for (const { from, label, to } of findings) {
    result += text.slice(at, from) + replacement(text.slice(from, to), label)
    at = to
  }
  return result + text.slice(at)
}

export function redaction(_: string, label: string): string {
  return `[${label}]`
}
