import type { ModelFacts } from '../../artifacts/index.ts'
import type { EngineFeature } from './row.ts'

/** What an engine must be able to do to serve this file at all, by the form and the numbers it is in. */
export function featuresOfArtifact(facts: ModelFacts): EngineFeature[] {
  const needs = new Set<EngineFeature>()
  if (facts.format === 'gguf') needs.add('gguf')
  if (facts.format === 'safetensors' || facts.format === 'config') {
    needs.add('safetensors')
    const { method = null, name = '' } = facts.precision ?? {}
    const feature = method === null ? undefined : METHODS[method]
    if (feature !== undefined) needs.add(feature)
    else if (method !== null) needs.add(name.startsWith('int4') ? 'int4' : 'int8')
  }
  if (facts.adapter !== null) needs.add('lora')
  return [...needs]
}

const METHODS: Readonly<Record<string, EngineFeature>> = {
  awq: 'awq',
  gptq: 'gptq',
  fp8: 'fp8',
  bitsandbytes: 'bitsandbytes',
  mxfp4: 'fp4',
  nvfp4: 'fp4',
  modelopt: 'fp8',
}
