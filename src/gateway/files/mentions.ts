/** A file as control gives it out. */
export interface FetchedFile {
  readonly filename: string
  readonly mediaType: string
  readonly content: Buffer
}

type Fields = Record<string, unknown>

/** A part that names a file, and how it reads with the file in it. */
export interface Mention {
  readonly id: string
  readonly pointer: string
  replace(file: FetchedFile): void
}

/** The part of any of the surfaces that names a file by its id; undefined: it is another one. */
export function fileMention(part: Fields, pointer: string): Mention | undefined {
  switch (part.type) {
    case 'file':
      return typeof part.source === 'object' ? ofSource(part, pointer) : ofChat(part, pointer)
    case 'input_file':
    case 'input_image':
      return ofResponses(part, pointer)
    case 'image':
    case 'audio':
    case 'document':
      return ofSource(part, pointer)
    default:
      return undefined
  }
}

/** OpenAI chat: `{type: 'file', file: {file_id}}`. An image becomes a part of its own kind, as models take it. */
function ofChat(part: Fields, pointer: string): Mention | undefined {
  const file = fieldsOf(part.file)
  if (typeof file?.file_id !== 'string') return undefined
  return {
    id: file.file_id,
    pointer: `${pointer}/file/file_id`,
    replace: (fetched) => {
      if (fetched.mediaType.startsWith('image/')) {
        delete part.file
        Object.assign(part, { type: 'image_url', image_url: { url: dataUrl(fetched) } })
      } else {
        delete file.file_id
        Object.assign(file, { filename: file.filename ?? fetched.filename, file_data: dataUrl(fetched) })
      }
    },
  }
}

/** OpenAI responses: `{type: 'input_file' or 'input_image', file_id}`. */
function ofResponses(part: Fields, pointer: string): Mention | undefined {
  if (typeof part.file_id !== 'string') return undefined
  return {
    id: part.file_id,
    pointer: `${pointer}/file_id`,
    replace: (fetched) => {
      delete part.file_id
      if (part.type === 'input_image') part.image_url = dataUrl(fetched)
      else Object.assign(part, { filename: part.filename ?? fetched.filename, file_data: dataUrl(fetched) })
    },
  }
}

/** Anthropic: `source: {type: 'file', file_id}`; ours: `source: {kind: 'file', fileId}`. */
function ofSource(part: Fields, pointer: string): Mention | undefined {
  const source = fieldsOf(part.source)
  if (source?.type === 'file' && typeof source.file_id === 'string')
    return {
      id: source.file_id,
      pointer: `${pointer}/source/file_id`,
      replace: ({ content, mediaType }) => {
        part.source = { type: 'base64', media_type: mediaType, data: content.toString('base64') }
      },
    }
  if (source?.kind === 'file' && typeof source.fileId === 'string')
    return {
      id: source.fileId,
      pointer: `${pointer}/source/fileId`,
      replace: ({ content, filename, mediaType }) => {
        part.source = { kind: 'base64', mediaType, data: content.toString('base64') }
        if (part.type === 'file') part.filename ??= filename
      },
    }
  return undefined
}

function dataUrl({ content, mediaType }: FetchedFile): string {
  return `data:${mediaType};base64,${content.toString('base64')}`
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}
