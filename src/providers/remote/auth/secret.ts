/** Where secrets are read: the environment and files of the process that uses them. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whole text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string
}

export type Resolved =
  | { readonly value: string; readonly missing?: undefined }
  /** In words for an operator; holds the reference, never a value. */
  | { readonly missing: string }

const REFERENCE = /^\$\{(env|file):([^}]+)\}$/

/**
 * The value behind `${env:NAME}` or `${file:/path}`, without the line end that editors leave. Text that is no reference
 * is its own value (a plain header).
 */
export function resolveSecret(ref: string, { env, readFile }: SecretSources): Resolved {
  const [, source, name] = REFERENCE.exec(ref) ?? []
  if (source === undefined || name === undefined) return { value: ref }
  if (source === 'env') {
    const value = env[name]?.trim()
    return value === undefined || value === ''
      ? { missing: `the environment has no ${name}` }
      : withoutBreaks(value, ref)
  }
  try {
    const value = readFile(name).trim()
    return value === '' ? { missing: `the file ${name} is empty` } : { value }
  } catch (error) {
    return {
      missing: `the file ${name} cannot be read (${(error as { code?: string }).code ?? 'unreadable'})`,
    }
  }
}

/** Files may hold a whole service account; what goes into a header may not hold a line break. */
export function headerSafe(resolved: Resolved, ref: string): Resolved {
  return resolved.missing === undefined ? withoutBreaks(resolved.value, ref) : resolved
}

export function isFileReference(ref: string): boolean {
  return REFERENCE.exec(ref)?.[1] === 'file'
}

function withoutBreaks(value: string, ref: string): Resolved {
  // Visible ASCII and spaces, as HTTP allows in a field (RFC 9110, 5.5).
  return /^[\x20-\x7e]+$/.test(value)
    ? { value }
    : { missing: `what ${ref.slice(2, -1)} holds cannot stand in a header` }
}
