import type { VllmSettings } from '../../contracts/index.ts'
import type { ForeignKind } from './foreign-kind.ts'
import { tgi } from './tgi.ts'
import { tritonTrtllm } from './triton-trtllm.ts'
import { vllm } from './vllm.ts'

export const foreignKinds: Readonly<Record<VllmSettings['server'], ForeignKind>> = {
  vllm,
  tgi,
  'triton-trtllm': tritonTrtllm,
}

/**
 * By which name the server itself knows the weights. Requests ask for the version's `modelName`, or the model's own
 * name; where that is one of the adapters, the weights keep the model's name beside it.
 */
export function servedNameOf(model: string, modelName: string | undefined, settings: VllmSettings): string {
  const isAdapter = settings.loras.some(({ name }) => name === modelName)
  return isAdapter ? model : (modelName ?? model)
}
