export type {
  AnswerContext,
  DialectName,
  JsonObject,
  ProblemClass,
  ProviderDialect,
  RequestGlance,
  StreamReader,
  StreamWriter,
  SurfaceDialect,
  SurfaceError,
  UpstreamProblem,
} from './dialect.ts'
export { UnsupportedFeature, UpstreamBroken } from './dialect.ts'
