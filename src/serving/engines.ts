import type { EngineName } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Engine } from './engine.ts'
import { echoEngine } from './engines/echo.ts'
import { echoTextEngine } from './engines/echo-text.ts'
import { onnxEngine } from './engines/onnx.ts'
import type { TextEngine } from './text-engine.ts'

/** Engines of rows. Those of text have a table of their own, and those that run elsewhere are in neither. */
const engines: Partial<Readonly<Record<EngineName, (clock: Clock) => Engine>>> = {
  onnx: (clock) => onnxEngine(clock),
  echo: echoEngine,
}

/** Each is imported when it is wanted: what one of them needs may not be installed. */
const textEngines: Partial<Readonly<Record<EngineName, (clock: Clock) => Promise<TextEngine>>>> = {
  echo: async (clock) => echoTextEngine(clock),
  llama: async (clock) => (await import('./engines/llama/llama.ts')).llamaEngine(clock),
}

export function createEngine(name: EngineName, clock: Clock): Engine {
  const create = engines[name]
  if (create === undefined) throw new TypeError(`no engine of rows is called ${name}`)
  return create(clock)
}

export async function createTextEngine(name: EngineName, clock: Clock): Promise<TextEngine> {
  const create = textEngines[name]
  if (create === undefined) throw new TypeError(`no engine of text is called ${name}`)
  return await create(clock)
}
