-- What was answered. Both big tables are partitioned by day; the default partition holds what no day was made for,
-- until a partition is made (its rows move there) or retention drops them.

CREATE TABLE inference_logs (
  request_id   text NOT NULL,
  model_name   text NOT NULL,
  version      text,
  latency_ms   double precision NOT NULL,
  status_code  integer NOT NULL,
  "timestamp"  timestamptz NOT NULL,
  replica      text,
  tenant       text NOT NULL,
  api_key      text NOT NULL,
  assignment   text NOT NULL,
  experiment   text,
  bucket       bigint,
  outcome      text NOT NULL,
  code         text,
  queue_ms     double precision NOT NULL,
  compute_ms   double precision NOT NULL,
  row_count    integer NOT NULL,
  retries      integer NOT NULL,
  input        text
) PARTITION BY RANGE ("timestamp");
CREATE INDEX inference_logs_by_time ON inference_logs ("timestamp", request_id);
CREATE INDEX inference_logs_by_request ON inference_logs (request_id);
CREATE TABLE inference_logs_default PARTITION OF inference_logs DEFAULT;

-- Which batches were taken: a batch that arrives twice counts once.
CREATE TABLE telemetry_batches (
  gateway  text NOT NULL,
  sequence bigint NOT NULL,
  records  integer NOT NULL,
  taken_at timestamptz NOT NULL,
  PRIMARY KEY (gateway, sequence)
);
CREATE INDEX telemetry_batches_by_time ON telemetry_batches (taken_at);

CREATE TABLE windows (
  model_name text NOT NULL,
  version    text NOT NULL,
  "start"    timestamptz NOT NULL,
  size_ms    integer NOT NULL,
  requests   integer NOT NULL,
  errors     integer NOT NULL,
  timeouts   integer NOT NULL,
  refusals   integer NOT NULL,
  row_count  integer NOT NULL,
  compute_ms double precision NOT NULL,
  latency    jsonb NOT NULL,
  PRIMARY KEY (model_name, "start", size_ms, version)
) PARTITION BY RANGE ("start");
CREATE TABLE windows_default PARTITION OF windows DEFAULT;

-- Adds two histograms {bucket: count}; one statement, so that two writers never lose a count.
CREATE FUNCTION add_histograms(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT coalesce(jsonb_object_agg(bucket, total), '{}'::jsonb)
  FROM (
    SELECT key AS bucket, sum(value::bigint) AS total
    FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS counts
    GROUP BY key
  ) AS merged
$$;

-- Who was exposed to which version, without saying who: the bucket of the unit.
CREATE VIEW exposures AS
  SELECT model_name, version, experiment, bucket, "timestamp"
  FROM inference_logs
  WHERE assignment = 'split' AND bucket IS NOT NULL;

CREATE TABLE incidents (
  incident_id text PRIMARY KEY,
  model_name  text NOT NULL REFERENCES models,
  version     text,
  change_id   text,
  title       text NOT NULL,
  actions     jsonb NOT NULL,
  before      jsonb NOT NULL,
  opened_at   timestamptz NOT NULL,
  closed_at   timestamptz,
  ordinal     bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX incidents_by_model ON incidents (model_name, ordinal);

CREATE TABLE failure_cases (
  case_id     text PRIMARY KEY,
  request_id  text NOT NULL UNIQUE,
  model_name  text NOT NULL,
  version     text NOT NULL,
  at          timestamptz NOT NULL,
  code        text NOT NULL,
  label       text NOT NULL CHECK (label IN ('negative', 'golden', 'silver')),
  input       text NOT NULL,
  change_id   text,
  incident_id text,
  ordinal     bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX failure_cases_by_version ON failure_cases (model_name, version, at);
CREATE INDEX failure_cases_by_change ON failure_cases (change_id) WHERE change_id IS NOT NULL;
