import { headerNames } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'

/** A door that speaks chat completions: a provider, an engine, or a version behind a gateway of ours. */
export interface ServiceTarget {
  /** As people read it; never a key. */
  readonly name: string
  readonly url: string
  readonly model: string
  /** May be secret. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Reads `openai+http://host/v1#model` or `slipway+http://gateway#model@version`. Throws `invalid_request`; an address
 * with a password is refused, since the address is in the report.
 */
export function readServiceTarget(text: string, key: string | undefined): ServiceTarget {
  const [, kind, address = ''] = /^(openai|slipway)\+(https?:\/\/.+)$/.exec(text) ?? []
  if (kind === undefined || !URL.canParse(address))
    throw refused(text, 'write openai+http://host/v1#model or slipway+http://gateway#model@version')
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') throw refused(text, 'keys do not belong into an address')
  const named = decodeName(text, url.hash.slice(1))
  const [, model = '', version] =
    kind === 'slipway' ? (/^(.*?)(?:@([\w.-]+))?$/.exec(named) ?? []) : [named, named]
  if (model === '') throw refused(text, 'it names no model after #')
  const isPinned = kind === 'slipway' && version !== undefined
  const base = `${url.origin}${url.pathname.replace(/\/$/, '')}${kind === 'slipway' ? '/v1' : ''}`
  return {
    name: `${url.origin}${url.pathname} ${named}`,
    url: `${base}/chat/completions${url.search}`,
    model,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(isPinned ? { [headerNames.version]: version } : {}),
    },
  }
}

function decodeName(text: string, hash: string): string {
  try {
    return decodeURIComponent(hash)
  } catch {
    throw refused(text, 'its model is not written as a URL writes it')
  }
}

function refused(text: string, reason: string): SlipwayError {
  const shown = text.replace(/\/\/[^/@]*@/, '//…@').slice(0, 200)
  return new SlipwayError('invalid_request', { reason: `The target ${shown} cannot be used: ${reason}.` })
}
