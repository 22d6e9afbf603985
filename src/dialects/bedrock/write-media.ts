import type { MediaSource, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'

/** `ImageBlock` and `DocumentBlock` of the API's reference. */
const IMAGES: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}
const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
}

export function writeImage(part: Extract<Part, { type: 'image' }>, place: string): JsonObject {
  if (part.detail !== undefined && part.detail !== 'auto')
    throw unsupported(`${place}.detail`, 'has no detail of images')
  return { image: { format: formatOf(part.source, IMAGES, place), source: writeSource(part.source) } }
}

export function writeDocument(
  part: Extract<Part, { type: 'file' }>,
  place: string,
  names: DocumentNames,
): JsonObject {
  const format = formatOf(part.source, DOCUMENTS, place)
  return { document: { format, name: names.next(part.filename), source: writeSource(part.source) } }
}

/**
 * Each document must have a name of its own: letters and digits, single spaces, hyphens, round and square brackets. A file
 * is called by its own name as far as that goes.
 */
export class DocumentNames {
  readonly #taken = new Set<string>()

  next(filename: string | undefined): string {
    const stem = (filename ?? '').replace(/\.\w+$/, '')
    const base =
      stem
        .replace(/[^A-Za-z0-9\s\-()[\]]/g, '-')
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, 180) || 'document'
    let name = base
    for (let number = 2; this.#taken.has(name); number++) name = `${base} (${number})`
    this.#taken.add(name)
    return name
  }
}

/** By the type of its bytes, or by the end of its place in S3. */
function formatOf(source: MediaSource, formats: Readonly<Record<string, string>>, place: string): string {
  if (source.kind === 'base64') {
    const type = (source.mediaType.split(';', 1)[0] as string).trim().toLowerCase()
    if (Object.hasOwn(formats, type)) return formats[type] as string
    throw unsupported(place, `takes no bytes of ${type} here`)
  }
  if (source.kind === 'file' || !source.url.startsWith('s3://'))
    throw unsupported(place, 'takes bytes and places in S3, no other addresses and no ids of files')
  const end = /\.(\w+)$/.exec(source.url)?.[1]?.toLowerCase() ?? ''
  const format = end === 'jpg' ? 'jpeg' : end
  if (Object.values(formats).includes(format)) return format
  throw unsupported(place, 'cannot tell the format of a file without a known ending')
}

/** Only called for what `formatOf` let pass. */
function writeSource(source: MediaSource): JsonObject {
  if (source.kind === 'base64') return { bytes: source.data }
  return { s3Location: { uri: source.kind === 'url' ? source.url : source.fileId } }
}

function unsupported(feature: string, what: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'bedrock-converse', `bedrock-converse ${what}`)
}
