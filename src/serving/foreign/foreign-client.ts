/** Bytes of an answer that are read; metrics of a busy server have some hundred kilobytes. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

export interface ForeignAnswer {
  /** 0: nobody answered in time, or at all. */
  readonly status: number
  readonly body: string
}

/** Asks a server on this machine; never throws, and waits no longer than it is told. */
export async function askForeign(url: string, timeoutMs: number, key?: string): Promise<ForeignAnswer> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    })
    return { status: answer.status, body: await bodyOf(answer) }
  } catch {
    return { status: 0, body: '' }
  }
}

async function bodyOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw new RangeError('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
