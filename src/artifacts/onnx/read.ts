import type { ByteSource } from '../byte-source.ts'
import { reading } from '../unreadable.ts'
import { type OnnxHeader, onnxHeader } from './header.ts'

/** What an ONNX file says of itself; `artifact_unreadable` on anything that is not a whole one. */
export function readOnnxHeader(source: ByteSource): OnnxHeader {
  return reading(source.name, 'ONNX', () => onnxHeader(source))
}
