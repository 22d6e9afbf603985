-- Files of clients (their content lies in the data folder under the id) and batches of requests over them. What a batch
-- answered lies in its journal beside the files until it is finalised; the counts here follow the journal.

CREATE TABLE client_files (
  file_id    text PRIMARY KEY,
  tenant     text NOT NULL,
  filename   text NOT NULL,
  purpose    text NOT NULL,
  bytes      bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  ordinal    bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX client_files_by_tenant ON client_files (tenant, ordinal);
CREATE INDEX client_files_by_expiry ON client_files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE batches (
  batch_id  text PRIMARY KEY,
  tenant    text NOT NULL,
  api_key   text NOT NULL,
  status    text NOT NULL,
  -- As it was asked for: endpoint, input file, window, metadata, life of the output.
  wish      jsonb NOT NULL,
  -- Milliseconds since the epoch, by OpenAI's names without `_at`.
  times     jsonb NOT NULL,
  total     integer NOT NULL DEFAULT 0,
  completed integer NOT NULL DEFAULT 0,
  failed    integer NOT NULL DEFAULT 0,
  -- Model, errors of the input, files and usage, as they become known.
  outcome   jsonb NOT NULL DEFAULT '{}',
  ordinal   bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX batches_by_tenant ON batches (tenant, ordinal);
CREATE INDEX batches_unfinished ON batches (ordinal) WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling');
