import type { ByteSource } from './byte-source.ts'
import { looksLikeUbj } from './trees/skim-ubj.ts'
import { shownBytes, Unreadable } from './unreadable.ts'

/** What a file is by its first bytes; the name decides only where the bytes do not (ONNX and SavedModel have no magic). */
export type FileKind =
  | 'onnx'
  | 'gguf'
  | 'safetensors'
  | 'json'
  | 'ubj'
  | 'lightgbm'
  | 'zip'
  | 'saved-model'
  | 'pickle'

const KNOWN = 'ONNX, GGUF, safetensors, XGBoost, LightGBM, TorchScript, torch.export, SavedModel'

export function kindOf(source: ByteSource): FileKind {
  const head = source.bytes(0, Math.min(16, source.sizeBytes))
  const text = head.toString('latin1')
  if (head.length === 0) throw new Unreadable(0, `a model file (${KNOWN})`, 'an empty file')
  if (text.startsWith('GGUF')) return 'gguf'
  if (text.startsWith('PK\u0003\u0004')) return 'zip'
  if (text.startsWith('tree\n') || text.startsWith('tree\r\n')) return 'lightgbm'
  if (isSafetensors(head, source)) return 'safetensors'
  if (looksLikeUbj(head)) return 'ubj'
  if (/^\s*\{/.test(text)) return 'json'
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return 'pickle'
  const extension = /\.[a-z0-9]+$/i.exec(source.name)?.[0].toLowerCase()
  if (extension === '.pb') return 'saved-model'
  if (extension === '.onnx' || extension === '.ort') return 'onnx'
  if (['.pkl', '.pickle', '.joblib', '.pt', '.pth', '.bin', '.ckpt'].includes(extension ?? ''))
    return 'pickle'
  // ir_version, the first field that every exporter writes.
  if (head[0] === 0x08) return 'onnx'
  throw new Unreadable(0, `a model file (${KNOWN})`, shownBytes(head))
}

/** The length of the header, then the "{" that opens it. */
function isSafetensors(head: Buffer, source: ByteSource): boolean {
  if (/\.safetensors$/i.test(source.name)) return true
  return head.length >= 9 && head[8] === 0x7b && head.readBigUInt64LE() < BigInt(source.sizeBytes)
}
