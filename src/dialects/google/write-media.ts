import type { Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'

/** Types by the end of an address's path; Vertex AI wants one for each file. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  gif: 'image/gif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  wav: 'audio/wav',
  mp3: 'audio/mp3',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
}

/** `inlineData` by value, `fileData` by place: an address, or the URI of a file of the Files API. A name says nothing. */
export function writeMedia(
  part: Extract<Part, { type: 'image' | 'audio' | 'file' }>,
  place: string,
): JsonObject {
  if (part.type === 'image' && part.detail !== undefined && part.detail !== 'auto')
    throw new UnsupportedFeature(`${place}.detail`, 'gemini', 'gemini has no detail of one image')
  const { source } = part
  if (source.kind === 'base64') return { inlineData: { mimeType: source.mediaType, data: source.data } }
  const fileUri = source.kind === 'url' ? source.url : source.fileId
  const mimeType = TYPES[/\.(\w+)(?:[?#]|$)/.exec(fileUri.toLowerCase())?.[1] ?? '']
  return { fileData: { ...(mimeType === undefined ? {} : { mimeType }), fileUri } }
}
