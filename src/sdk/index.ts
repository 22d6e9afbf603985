export { type ChangeFile, changeFileForm, parseChangeFile } from './change-file.ts'
export {
  type Answer,
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
  type Input,
} from './client.ts'
export type { EventsOptions, ServerEvent } from './events.ts'
export { FileError } from './file-error.ts'
export { type DatasetFile, type ModelFile, modelFileForm, parseModelFile } from './model-file.ts'
export { ProblemError } from './problem-error.ts'
export { digestOfFile, type FileToUpload, type ReadFile, readTexts, uploadFiles } from './upload.ts'
export { parseVersionFile, type VersionFile } from './version-file.ts'
