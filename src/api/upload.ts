import type { Readable } from 'node:stream'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import type { Upload } from '../batches/index.ts'
import { expiresAfter } from '../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../kernel/index.ts'
import type { StoredFile } from '../store/index.ts'

type Take = (upload: Omit<Upload, 'tenant'>) => Promise<StoredFile>

const MAX_FIELDS = 10
const MAX_FIELD_BYTES = 1024

/**
 * An upload as it streams in: a form with the part `file`, or the content itself with its words in the query. The words
 * of a form may come before or after the file. Nothing of the content is gathered here; what is not taken is not read.
 */
export async function readUpload(
  body: Readable,
  contentType: string | string[] | undefined,
  query: { readonly purpose?: string | undefined; readonly filename?: string | undefined },
  take: Take,
): Promise<StoredFile> {
  if (typeof contentType === 'string' && /^multipart\/form-data\b/i.test(contentType))
    return await readForm(body, contentType, take)
  const words = { purpose: query.purpose ?? '', expiresAfterSeconds: undefined }
  return await take({ filename: query.filename ?? 'file', content: body, about: async () => words })
}

function readForm(body: Readable, contentType: string, take: Take): Promise<StoredFile> {
  const parser = parserOf(contentType)
  const fields = new Map<string, string>()
  const parsed = Promise.withResolvers<void>()
  parsed.promise.catch(() => undefined)
  const done = Promise.withResolvers<StoredFile>()
  let file: BusboyFileStream | undefined
  /** What the part said of its form; whoever reads it is told the same. */
  let broken: unknown
  const fail = (error: unknown) => {
    body.unpipe(parser)
    parsed.reject(error)
    file?.destroy(error as Error)
    done.reject(error)
  }
  parser.on('field', (name, value) => fields.set(name, value))
  parser.on('file', (name, stream, filename) => {
    // A form that ends early is an error of its part too, whether or not anybody reads that any more.
    stream.on('error', (error) => {
      broken = error
    })
    if (name !== 'file' || file !== undefined) {
      fail(invalid(`it has a file ${JSON.stringify(name.slice(0, 100))}; one part called file is taken`))
      stream.resume()
      return
    }
    file = stream
    const about = async () => {
      await parsed.promise
      return wordsIn(fields)
    }
    take({ filename: filename ?? '', content: stream, about }).then(done.resolve, (error: unknown) =>
      fail(error === broken && !isSlipwayError(error) ? unparsed(error) : error),
    )
  })
  parser.on('error', (error) => fail(unparsed(error)))
  parser.on('fieldsLimit', () => fail(invalid(`it has more than ${MAX_FIELDS} fields`)))
  parser.on('partsLimit', () => fail(invalid('it has too many parts')))
  parser.on('finish', () => {
    if (file === undefined) fail(invalid('the form has no part called file'))
    else parsed.resolve()
  })
  body.on('error', () => fail(new SlipwayError('body_unreadable')))
  body.on('close', () => {
    if (!body.readableEnded) fail(new SlipwayError('body_unreadable'))
  })
  body.pipe(parser)
  return done.promise
}

function parserOf(contentType: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        fieldNameSize: 100,
        parts: MAX_FIELDS + 2,
        headerPairs: 20,
      },
    })
  } catch (error) {
    throw unparsed(error)
  }
}

function wordsIn(fields: ReadonlyMap<string, string>) {
  const anchor = fields.get('expires_after[anchor]')
  const seconds = fields.get('expires_after[seconds]')
  const purpose = fields.get('purpose') ?? ''
  if (anchor === undefined && seconds === undefined) return { purpose, expiresAfterSeconds: undefined }
  const life = expiresAfter.safeParse({ anchor, seconds })
  if (!life.success)
    throw invalid('expires_after needs the anchor created_at and seconds from 3600 to 2592000')
  return { purpose, expiresAfterSeconds: life.data.seconds }
}

function unparsed(error: unknown): SlipwayError {
  return invalid(`the form does not parse (${error instanceof Error ? error.message : String(error)})`)
}

function invalid(reason: string): SlipwayError {
  return new SlipwayError('file_invalid', { reason })
}
