import type { TextWorkFailure } from '../../text-engine.ts'

/** A request that cannot be served as it is; nothing of it was computed. */
export class RequestRefused extends Error {
  readonly failure: TextWorkFailure
  constructor(failure: TextWorkFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

export function invalid(field: string, detail: string): RequestRefused {
  return new RequestRefused({ code: 'invalid_request', detail, field, retrySafe: false })
}
