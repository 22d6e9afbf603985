import { clientFile, type FilePurpose, headerNames, problem } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { FetchFile } from './inline-files.ts'

const TIMEOUT_MS = 30_000
/** What was uploaded to be asked about. */
const INLINED = new Set<FilePurpose>(['user_data', 'vision'])

/** Files from control, as the key that asks; the internal key proves that it is a gateway that says as whom. */
export function fetchFromControl(controlUrl: string, internalKey: string): FetchFile {
  return async (id, key, limitBytes) => {
    const get = async (path: string) => {
      const response = await fetch(new URL(path, controlUrl), {
        headers: { authorization: `Bearer ${internalKey}`, [headerNames.onBehalfOf]: key },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'error',
      }).catch(() => undefined)
      if (response?.ok === true) return response
      const told = problem.safeParse(await response?.json().catch(() => undefined))
      if (told.data?.code === 'unknown_file') throw new SlipwayError('unknown_file', { file: id })
      throw new SlipwayError('control_unavailable', { url: controlUrl })
    }
    const file = clientFile.parse(await (await get(`/api/v1/files/${id}`)).json())
    if (!INLINED.has(file.purpose))
      throw new SlipwayError('file_not_inlined', { file: id, purpose: file.purpose })
    if (file.bytes > limitBytes)
      throw new SlipwayError('body_too_large', { limitBytes: Math.floor(limitBytes) })
    const answer = await get(`/api/v1/files/${id}/content`)
    const content = Buffer.from(
      await answer.arrayBuffer().catch(() => {
        throw new SlipwayError('control_unavailable', { url: controlUrl })
      }),
    )
    return { filename: file.filename, mediaType: mediaTypeOf(file.filename, content), content }
  }
}

/** By the first bytes where they say it, else by the name. */
function mediaTypeOf(filename: string, content: Buffer): string {
  const head = content.toString('latin1', 0, 12)
  for (const [start, mediaType] of SIGNATURES) if (head.startsWith(start)) return mediaType
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp'
  const extension = /\.([a-z0-9]{1,8})$/i.exec(filename)?.[1]?.toLowerCase() ?? ''
  return EXTENSIONS[extension] ?? 'application/octet-stream'
}

const SIGNATURES = [
  ['%PDF-', 'application/pdf'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
] as const

const EXTENSIONS: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  html: 'text/html',
  json: 'application/json',
  md: 'text/markdown',
  txt: 'text/plain',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
}
