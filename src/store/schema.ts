import type { ColumnType, Generated } from 'kysely'

/** JSON columns are written as text and come back parsed. */
type Json<T> = ColumnType<T, string, string>
type Nullable<T> = ColumnType<T | null, T | null, T | null>
type NullableJson<T> = ColumnType<T | null, string | null, string | null>

interface ModelsTable {
  model_name: string
  description: string
  framework: string
  owner: string
  task: string
  contract: Json<unknown>
  classes: NullableJson<unknown>
  capture_failures: boolean
  created_at: Date
}

interface VersionsTable {
  ordinal: Generated<number>
  model_name: string
  version: string
  version_id: string
  spec: Json<unknown>
  created_at: Date
}

interface DatasetsTable {
  dataset_name: string
  model_name: string
  digest: string
  items: number
  created_at: Date
}

interface DeploymentsTable {
  deployment_id: string
  model_name: string
  version: string
  status: string
  reason: Nullable<string>
  replicas: number
  gpu_type: Nullable<string>
  traffic_pct: Generated<number>
  traffic_when_active: Nullable<number>
  created_at: Date
  ordinal: Generated<number>
}

interface TrafficTable {
  model_name: string
  revision: number
  shares: Json<unknown>
  slices: Json<unknown>
  reason: string
  updated_at: Date
}

interface ApiKeysTable {
  public_id: string
  mac: string
  name: string
  tenant: string
  scopes: Json<unknown>
  limits: Json<unknown>
  created_at: Date
  expires_at: Nullable<Date>
  revoked_at: Nullable<Date>
  priority: Nullable<string>
  ordinal: Generated<number>
}

interface SettingsTable {
  kind: string
  name: string
  revision: number
  body: Json<unknown>
  updated_at: Date
}

interface ChangesTable {
  change_id: string
  model_name: string
  proposal: Json<unknown>
  state: string
  reason: Nullable<string>
  champion: Json<unknown>
  candidate: Json<unknown>
  author: string
  verdict: NullableJson<unknown>
  checks: Json<unknown>
  rollout_id: Nullable<string>
  last_sequence: number
  last_hash: string
  created_at: Date
  updated_at: Date
  ordinal: Generated<number>
}

interface ChangeEventsTable {
  change_id: string
  sequence: number
  at: Date
  actor: string
  type: string
  data: Json<unknown>
  previous_hash: Nullable<string>
  hash: string
}

interface EvidenceTable {
  hash: string
  change_id: string
  check_name: string
  plan_hash: string
  status: string
  summary: string
  body: Json<unknown>
  finished_at: Date
  ordinal: Generated<number>
}

interface EvidenceBlocksTable {
  change_id: string
  check_name: string
  plan_hash: string
  block: number
  body: Json<unknown>
}

interface SignOffsTable {
  ordinal: Generated<number>
  change_id: string
  gate: string
  actor: string
  key: Nullable<string>
  signer: string
  evidence_hash: string
  at: Date
  expires_at: Date
  note: string
}

interface RolloutsTable {
  rollout_id: string
  change_id: Nullable<string>
  model_name: string
  champion: string
  candidate: string
  plan: Json<unknown>
  guards: Json<unknown>
  forecast: Json<unknown>
  state: string
  step: number
  reason: Nullable<string>
  started_at: Date
  step_started_at: Date
  finished_at: Nullable<Date>
  rollback_ms: Nullable<number>
  ordinal: Generated<number>
}

interface RolloutLooksTable {
  rollout_id: string
  sequence: number
  at: Date
  decision: string
  body: Json<unknown>
}

interface AuditTable {
  sequence: number
  at: Date
  actor: string
  action: string
  target: string
  detail: Json<unknown>
  previous_hash: Nullable<string>
  hash: string
}

interface InferenceLogsTable {
  request_id: string
  model_name: string
  version: Nullable<string>
  latency_ms: number
  status_code: number
  timestamp: Date
  replica: Nullable<string>
  tenant: string
  api_key: string
  assignment: string
  experiment: Nullable<string>
  bucket: Nullable<number>
  outcome: string
  code: Nullable<string>
  queue_ms: number
  compute_ms: number
  row_count: number
  retries: number
  input: Nullable<string>
  text: NullableJson<unknown>
}

interface WindowsTable {
  model_name: string
  version: string
  start: Date
  size_ms: number
  requests: number
  errors: number
  timeouts: number
  refusals: number
  row_count: number
  compute_ms: number
  latency: Json<Record<string, number>>
}

interface TextWindowsTable {
  model_name: string
  version: string
  start: Date
  counts: Json<Record<string, number>>
}

interface LimitCountsTable {
  id: string
  start_at: Date
  end_at: Date
  used: number | string | bigint
}

interface IncidentsTable {
  incident_id: string
  model_name: string
  version: Nullable<string>
  change_id: Nullable<string>
  title: string
  actions: Json<unknown>
  before: Json<unknown>
  opened_at: Date
  closed_at: Nullable<Date>
  ordinal: Generated<number>
}

interface FailureCasesTable {
  case_id: string
  request_id: string
  model_name: string
  version: string
  at: Date
  code: string
  label: string
  input: string
  change_id: Nullable<string>
  incident_id: Nullable<string>
  ordinal: Generated<number>
}

interface ClientFilesTable {
  file_id: string
  tenant: string
  filename: string
  purpose: string
  /** A bigint; drivers differ in how they hand it out. */
  bytes: ColumnType<number | string, number, number>
  created_at: Date
  expires_at: Nullable<Date>
  ordinal: Generated<number>
}

interface BatchesTable {
  batch_id: string
  tenant: string
  api_key: string
  status: string
  wish: Json<unknown>
  times: Json<unknown>
  total: Generated<number>
  completed: Generated<number>
  failed: Generated<number>
  outcome: ColumnType<unknown, string | undefined, string>
  ordinal: Generated<number>
}

/** The tables as the migrations make them; the conformance suite holds the two together by using every column. */
export interface Tables {
  models: ModelsTable
  versions: VersionsTable
  datasets: DatasetsTable
  deployments: DeploymentsTable
  traffic: TrafficTable
  traffic_history: TrafficTable
  api_keys: ApiKeysTable
  settings: SettingsTable
  limit_counts: LimitCountsTable
  changes: ChangesTable
  change_events: ChangeEventsTable
  evidence: EvidenceTable
  evidence_blocks: EvidenceBlocksTable
  sign_offs: SignOffsTable
  rollouts: RolloutsTable
  rollout_looks: RolloutLooksTable
  audit: AuditTable
  inference_logs: InferenceLogsTable
  windows: WindowsTable
  text_windows: TextWindowsTable
  incidents: IncidentsTable
  failure_cases: FailureCasesTable
  client_files: ClientFilesTable
  batches: BatchesTable
}
