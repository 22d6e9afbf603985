import type { MediaSource } from '../../contracts/index.ts'

const DATA_URL = /^data:([^;,]{1,200})(?:;[^;,]+)*;base64,/

/** A URL, or the bytes that it holds itself. */
export function readUrl(url: string): MediaSource {
  const head = DATA_URL.exec(url.slice(0, 400))
  if (head === null) return { kind: 'url', url }
  return { kind: 'base64', mediaType: head[1] as string, data: url.slice(head[0].length) }
}

export function writeUrl(source: Exclude<MediaSource, { kind: 'file' }>): string {
  return source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`
}
