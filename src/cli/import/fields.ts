import type { ProviderKind, VersionSpec } from '../../contracts/index.ts'
import type { Ledger } from './ledger.ts'
import { envRef, isPlainHeader, type SecretNames } from './secrets.ts'
import { isObject, type Path } from './source.ts'

/** What every reader of a field needs: where to say what became of it, and names for secrets. */
export interface Importing {
  readonly ledger: Ledger
  readonly secrets: SecretNames
}

type Sampling = NonNullable<VersionSpec['sampling']>

const LIMITS: Readonly<
  Record<keyof Omit<Sampling, 'stop' | 'logitBias'>, readonly [number, number, boolean]>
> = {
  maxOutputTokens: [1, Number.MAX_SAFE_INTEGER, true],
  temperature: [0, 5, false],
  topP: [0, 1, false],
  topK: [0, Number.MAX_SAFE_INTEGER, true],
  minP: [0, 1, false],
  frequencyPenalty: [-2, 2, false],
  presencePenalty: [-2, 2, false],
  repetitionPenalty: [1e-9, 10, false],
  seed: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true],
}

export interface NumberForm {
  readonly to: string
  readonly least: number
  readonly most: number
  /** Ours is so many times theirs: 1000 for seconds that become milliseconds. */
  readonly times?: number
  readonly isWhole: boolean
}

/** A number as ours; where it is none, or outside of what may stand here, that is told and it is left out. */
export function numberAt(
  { ledger }: Importing,
  path: Path,
  written: unknown,
  { isWhole, least, most, times = 1, to }: NumberForm,
): number | undefined {
  if (written === undefined) return undefined
  const value = typeof written === 'number' ? written * times : Number.NaN
  const ours = isWhole && times !== 1 ? Math.round(value) : value
  if (!(ours >= least && ours <= most) || (isWhole && !Number.isSafeInteger(ours))) {
    ledger.lost(path, `${to} is a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}.`)
    return undefined
  }
  ledger.kept(path, times === 1 ? to : `${to}: ${ours}`)
  return ours
}

export function textAt(
  { ledger }: Importing,
  path: Path,
  written: unknown,
  most: number,
  to: string,
): string | undefined {
  if (written === undefined || written === null) return undefined
  if (typeof written !== 'string' || written === '' || written.length > most) {
    ledger.lost(path, `It is no text of at most ${most} characters.`)
    return undefined
  }
  if (written.startsWith(ENVIRONMENT)) {
    ledger.lost(path, `Only secrets can be named by the environment here; write the value as the ${to}.`)
    return undefined
  }
  ledger.kept(path, to)
  return written
}

const ENVIRONMENT = 'os.environ/'

/** `os.environ/NAME` stays a reference; what is written in clear becomes a name to set. */
export function secretAt(
  { ledger, secrets }: Importing,
  path: Path,
  written: unknown,
  wanted: string,
  to: string,
): string | undefined {
  const value = isObject(written) ? JSON.stringify(written) : written
  if (typeof value !== 'string' || value === '') {
    ledger.lost(path, 'It is no secret that can be named.')
    return undefined
  }
  if (value.startsWith(ENVIRONMENT)) {
    const name = value.slice(ENVIRONMENT.length)
    if (/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name)) {
      ledger.kept(path, `${to}: ${envRef(name)}`)
      return envRef(name)
    }
    ledger.lost(path, 'It names no variable of the environment that could exist.')
    return undefined
  }
  const name = secrets.nameFor(value, wanted)
  ledger.changed(
    path,
    `${to}: ${envRef(name)}`,
    `A secret is never copied: set ${name} in the gateway's environment to what stands here.`,
  )
  return envRef(name)
}

/** Headers to the provider. Any value that is not known to be harmless is taken for a secret. */
export function headersOf(
  importing: Importing,
  path: Path,
  written: unknown,
): Record<string, string> | undefined {
  if (written === undefined) return undefined
  if (!isObject(written)) {
    importing.ledger.lost(path, 'Headers are a map of names and values.')
    return undefined
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(written)) {
    const at = [...path, name]
    if (!/^[A-Za-z0-9-]{1,100}$/.test(name) || typeof value !== 'string' || value.length > 4096) {
      importing.ledger.lost(at, 'It is no header of at most 4096 characters.')
      continue
    }
    if (isPlainHeader(name)) {
      importing.ledger.kept(at, `header ${name} of the provider`)
      headers[name] = value
    } else {
      const reference = secretAt(importing, at, value, `HEADER_${name}`, `header ${name} of the provider`)
      if (reference !== undefined) headers[name] = reference
    }
  }
  return headers
}

/** Kinds whose address there stops before `/v1`. */
const ADDS_V1: readonly ProviderKind[] = ['ollama', 'tgi', 'llama-cpp']

/**
 * The address of a provider without what may be secret in it. One that the environment gives there cannot be given so
 * here: its place is held by a name that resolves to nothing, since the kind's own address would be another's.
 */
export function addressOf(
  { ledger }: Importing,
  path: Path,
  written: unknown,
  kind: ProviderKind,
): string | undefined {
  if (written === undefined || written === null || written === '') return undefined
  const text = String(written)
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {
    url = undefined
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || text.length > 2000) {
    ledger.lost(path, `An address is written out here: put it in the place of ${TO_SET} in providers.yaml.`)
    return TO_SET
  }
  const address = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  const ours = ADDS_V1.includes(kind) && url.pathname === '/' ? `${address}/v1` : address
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    ledger.lost(path, `Only ${ours} is kept of it: what else it says may be secret. Use headers and keys.`)
  else if (ours === address) ledger.kept(path, 'baseUrl of the provider or account')
  else ledger.changed(path, `baseUrl ${ours}`, 'The path of chat completions is part of the address here.')
  return ours
}

export const TO_SET = 'https://address-to-set.invalid'

export function samplingOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, keyof Sampling>>,
): Sampling | undefined {
  const sampling: Record<string, unknown> = {}
  for (const [theirs, ours] of Object.entries(names)) {
    const value = written[theirs]
    if (value === undefined) continue
    const at = [...path, theirs]
    if (ours === 'stop') {
      const stops = Array.isArray(value) ? value : [value]
      if (
        stops.length > 0 &&
        stops.length <= 16 &&
        stops.every((one) => typeof one === 'string' && one !== '')
      ) {
        importing.ledger.kept(at, 'sampling.stop of the version')
        sampling.stop = stops
      } else importing.ledger.lost(at, 'stop is one to 16 texts.')
      continue
    }
    const [least, most, isWhole] = LIMITS[ours as keyof typeof LIMITS]
    const number = numberAt(importing, at, value, {
      to: `sampling.${ours} of the version`,
      least,
      most,
      isWhole,
    })
    if (number !== undefined) sampling[ours] = number
  }
  return Object.keys(sampling).length === 0 ? undefined : (sampling as Sampling)
}
