import type { EngineName } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Engine } from './engine.ts'
import { echoEngine } from './engines/echo.ts'
import { onnxEngine } from './engines/onnx.ts'

/** Engines of rows. Those of text have a server of their own, and those that run elsewhere none here. */
const engines: Partial<Readonly<Record<EngineName, (clock: Clock) => Engine>>> = {
  onnx: (clock) => onnxEngine(clock),
  echo: echoEngine,
}

export function createEngine(name: EngineName, clock: Clock): Engine {
  const create = engines[name]
  if (create === undefined) throw new TypeError(`no engine of rows is called ${name}`)
  return create(clock)
}
