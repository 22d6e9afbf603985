export { type BadAddresses, openBadAddresses } from './addresses.ts'
export { openaiChat } from './fixtures/openai-chat.ts'
export { type Scenario, scenarios } from './scenarios.ts'
export type { Fault, Script, Step } from './script.ts'
export {
  openScriptedServer,
  type Schedule,
  type ScriptedServer,
  type SeenRequest,
  type WallEvent,
} from './scripted-server.ts'
export { stepsOf } from './steps-of.ts'
export type { FixtureTruth, WireDialect, WireFixture } from './wire-dialect.ts'
