import type { JsonObject, SurfaceError } from '../dialect.ts'

/** Our codes that clients know by OpenAI's word. */
const CODES: Readonly<Record<string, string>> = {
  content_filtered: 'content_filter',
  context_too_long: 'context_length_exceeded',
  limit_reached: 'rate_limit_exceeded',
  rate_limited: 'rate_limit_exceeded',
  unauthenticated: 'invalid_api_key',
  unknown_model: 'model_not_found',
  unsupported_field: 'unsupported_parameter',
}

/**
 * `{error: {message, type, param, code}}`. The code is OpenAI's where it has one for the case, and `slipway_code` is
 * then ours, by which docs/errors.md tells more.
 */
export function writeError({ code, hint, pointer, requestId, status, title }: SurfaceError): JsonObject {
  const known = CODES[code]
  return {
    error: {
      message: hint === '' ? title : `${title} ${hint}`,
      type: typeOf(status),
      param: pointer === undefined || pointer === '' ? null : paramOf(pointer),
      code: known ?? code,
      ...(known === undefined ? {} : { slipway_code: code }),
      ...(requestId === '' ? {} : { request_id: requestId }),
    },
  }
}

/** As the error guide names them (platform.openai.com/docs/guides/error-codes). */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** `/messages/0/content` → `messages[0].content`. */
function paramOf(pointer: string): string {
  let param = ''
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (/^\d+$/.test(name)) param += `[${name}]`
    else param += param === '' ? name : `.${name}`
  }
  return param
}
