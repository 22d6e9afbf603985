import type { ByteSource } from '../byte-source.ts'
import { type ModelFacts, noFacts } from '../model-facts.ts'
import { onnxHeader } from './header.ts'
import { onnxTypes } from './value.ts'

/** Operators that only quantised graphs have. */
const QUANTISED =
  /^(QLinear|DequantizeLinear|QuantizeLinear|DynamicQuantizeLinear|MatMulInteger|ConvInteger|com\.microsoft:(MatMulNBits|QAttention|QGemm|DynamicQuantize))/

export function onnxFacts(source: ByteSource): ModelFacts {
  const header = onnxHeader(source)
  const types = Object.entries(header.parametersByType).map(([type, count]) => {
    const [name, bits] = onnxTypes[Number(type)] ?? [`type ${type}`, 0]
    return { name, bits, count }
  })
  const bits = types.reduce((sum, type) => sum + type.bits * type.count, 0)
  const most = types.toSorted((left, right) => right.count - left.count)[0]
  const isQuantised = Object.keys(header.operators).some((name) => QUANTISED.test(name))
  const custom = Object.keys(header.operators).filter(
    (name) => name.includes(':') && !name.startsWith('ai.onnx.ml:'),
  )
  return {
    ...noFacts('onnx'),
    architecture: header.producer === '' ? null : header.producer,
    parameters: header.parameters,
    activeParameters: header.parameters,
    weightBytes: Math.ceil(bits / 8),
    precision:
      most === undefined
        ? null
        : {
            name: most.name,
            method: isQuantised ? 'onnx' : null,
            bitsPerWeight: header.parameters === 0 ? null : bits / header.parameters,
            byType: Object.fromEntries(types.map(({ name, count }) => [name, count])),
          },
    signature: { inputs: header.inputs, outputs: header.outputs },
    notes: [
      ...(header.externalData.length === 0
        ? []
        : [`weights lie in other files: ${header.externalData.join(', ')}`]),
      ...(custom.length === 0 ? [] : [`operators beyond ai.onnx: ${custom.slice(0, 10).join(', ')}`]),
    ],
  }
}
