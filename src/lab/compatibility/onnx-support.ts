import type { OnnxHeader } from '../../artifacts/index.ts'

/**
 * What the ONNX engine here runs. Measured on onnxruntime-node 1.30.0 with one-operator models: IR versions up to 13
 * load, 14 is refused; ai.onnx loads from 7 to 26, 27 is refused; below 7 the runtime promises nothing. ai.onnx.ml and
 * com.microsoft are built in. A test holds the upper ends against the installed runtime.
 */
export const onnxSupport = {
  runtime: 'onnxruntime 1.30',
  mostIrVersion: 13,
  domains: {
    '': { name: 'ai.onnx', least: 7, most: 26 },
    'ai.onnx.ml': { name: 'ai.onnx.ml', least: 1, most: 5 },
    'com.microsoft': { name: 'com.microsoft', least: 1, most: 1 },
  } as Readonly<Record<string, { name: string; least: number; most: number }>>,
} as const

/** Why this runtime cannot run the file; empty when it can. */
export function supportFaults(header: Omit<OnnxHeader, 'parametersByType'>): string[] {
  const faults: string[] = []
  if (header.irVersion > onnxSupport.mostIrVersion)
    faults.push(
      `IR version ${header.irVersion} is newer than ${onnxSupport.runtime} reads (up to ${onnxSupport.mostIrVersion})`,
    )
  for (const [domain, version] of Object.entries(header.opsets)) {
    const known = Object.hasOwn(onnxSupport.domains, domain) ? onnxSupport.domains[domain] : undefined
    if (known === undefined) {
      // Exporters import domains they do not use; only operators of one are a fault.
      if (Object.keys(header.operators).some((name) => name.startsWith(`${domain}:`)))
        faults.push(`operators of the custom domain "${domain}" are not built into ${onnxSupport.runtime}`)
    } else if (version > known.most)
      faults.push(
        `opset ${version} of ${known.name} is newer than ${onnxSupport.runtime} runs (up to ${known.most})`,
      )
    else if (version < known.least)
      faults.push(
        `opset ${version} of ${known.name} is older than ${onnxSupport.runtime} promises (from ${known.least})`,
      )
  }
  if (header.externalData.length > 0)
    faults.push(
      `weights lie outside the file (${header.externalData.join(', ')}); save the model with its weights inside`,
    )
  return faults
}
