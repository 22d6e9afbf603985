import type { EngineName } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Engine } from './engine.ts'
import { echoEngine } from './engines/echo.ts'
import { onnxEngine } from './engines/onnx.ts'

const engines: Readonly<Record<EngineName, (clock: Clock) => Engine>> = {
  onnx: (clock) => onnxEngine(clock),
  echo: echoEngine,
}

export function createEngine(name: EngineName, clock: Clock): Engine {
  return engines[name](clock)
}
