import type { TextWorkFailure } from '../../text-engine.ts'

/** A request that cannot be served as it is; nothing of it was computed. */
export class RequestRefused extends Error {
  readonly failure: TextWorkFailure
  constructor(failure: TextWorkFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

/** A field that this engine does not have: a caller may let it be left out. */
export function lacking(field: string, detail: string): RequestRefused {
  return new RequestRefused({ code: 'invalid_request', detail, field, retrySafe: false })
}

/** A field that it has, with a value that it cannot take: only the words tell, since leaving it out is no answer. */
export function wrong(detail: string): RequestRefused {
  return new RequestRefused({ code: 'invalid_request', detail, retrySafe: false })
}
