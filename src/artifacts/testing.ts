export { onnxBytes } from './testing/onnx-bytes.ts'
