import { CLIENT_FILE_PREFIX, clientFileId } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { type FetchedFile, fileMention, type Mention } from './mentions.ts'

/** Gets a file of the tenant of this key. `unknown_file`, `file_not_inlined`, `body_too_large`, `control_unavailable`. */
export type FetchFile = (id: string, key: string, limitBytes: number) => Promise<FetchedFile>

export interface InlineFiles {
  /**
   * The body with the content of our files in the place of their ids; undefined where it names none, which costs one
   * search through its bytes. Ids of a provider's own files stay as they are.
   */
  inlined(body: Buffer, key: string): Promise<Buffer> | undefined
}

const MARK = Buffer.from(`"${CLIENT_FILE_PREFIX}`)
const MAX_FILES = 20
/** Requests whose files are being fetched; each may hold a body and its files. */
const AT_ONCE = 8
const BUSY_RETRY_MS = 1000

/** @param maxBytes of the body that comes out. */
export function inlineFiles(fetchFile: FetchFile, maxBytes: number): InlineFiles {
  let inWork = 0
  const inline = async (body: Buffer, key: string): Promise<Buffer> => {
    if (inWork >= AT_ONCE)
      throw new SlipwayError('overloaded', {
        what: 'What puts files into requests',
        retryAfterMs: BUSY_RETRY_MS,
      })
    inWork++
    try {
      return await put(body, key)
    } finally {
      inWork--
    }
  }
  const put = async (body: Buffer, key: string): Promise<Buffer> => {
    const parsed = parse(body)
    const mentions = parsed === undefined ? [] : fileMentions(parsed)
    if (mentions.length === 0) return body
    if (mentions.length > MAX_FILES)
      throw new SlipwayError('invalid_request', { reason: `A request names at most ${MAX_FILES} files.` })
    let leftBytes = maxBytes - body.length
    const fetched = new Map<string, FetchedFile>()
    for (const { id, pointer, replace } of mentions) {
      const file = fetched.get(id) ?? (await at(pointer, () => fetchFile(id, key, (leftBytes * 3) / 4)))
      fetched.set(id, file)
      leftBytes -= Math.ceil((file.content.length * 4) / 3)
      if (leftBytes < 0) throw new SlipwayError('body_too_large', { limitBytes: maxBytes }, { pointer })
      replace(file)
    }
    return Buffer.from(JSON.stringify(parsed))
  }
  return { inlined: (body, key) => (body.includes(MARK) ? inline(body, key) : undefined) }
}

/** What the client named is to blame. */
async function at<T>(pointer: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof SlipwayError) throw new SlipwayError(error.code, error.parameters, { pointer })
    throw error
  }
}

/** Whoever reads the body later says what is wrong with it. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** Parts stand in messages, and in what a tool gave back; nothing deeper is looked at. */
const MAX_DEPTH = 12

function fileMentions(parsed: unknown): Mention[] {
  const found: Mention[] = []
  const look = (value: unknown, pointer: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return
    const mention = Array.isArray(value) ? undefined : fileMention(value as Record<string, unknown>, pointer)
    if (mention !== undefined && clientFileId.safeParse(mention.id).success) {
      found.push(mention)
      return
    }
    for (const [name, inner] of Object.entries(value)) look(inner, `${pointer}/${name}`, depth + 1)
  }
  for (const name of ['messages', 'input']) look((parsed as Record<string, unknown>)[name], `/${name}`, 0)
  return found
}
