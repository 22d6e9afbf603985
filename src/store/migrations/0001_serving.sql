-- What can be served and what is: models, versions, datasets, deployments, traffic.
-- `ordinal` gives lists a stable order and a cursor; times are timestamptz, set by the application's clock.

CREATE TABLE models (
  model_name       text PRIMARY KEY,
  description      text NOT NULL,
  framework        text NOT NULL,
  owner            text NOT NULL,
  task             text NOT NULL,
  contract         jsonb NOT NULL,
  classes          jsonb,
  capture_failures boolean NOT NULL,
  created_at       timestamptz NOT NULL
);

CREATE TABLE versions (
  ordinal    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model_name text NOT NULL REFERENCES models,
  version    text NOT NULL,
  version_id text NOT NULL,
  spec       jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (model_name, version)
);

CREATE TABLE datasets (
  dataset_name text PRIMARY KEY,
  model_name   text NOT NULL REFERENCES models,
  digest       text NOT NULL,
  items        integer NOT NULL,
  created_at   timestamptz NOT NULL
);

CREATE TABLE deployments (
  deployment_id text PRIMARY KEY,
  model_name    text NOT NULL REFERENCES models,
  version       text NOT NULL,
  status        text NOT NULL CHECK (status IN ('deploying', 'active', 'draining', 'failed', 'stopped')),
  reason        text,
  replicas      integer NOT NULL CHECK (replicas >= 0),
  gpu_type      text,
  traffic_pct   double precision NOT NULL DEFAULT 0 CHECK (traffic_pct BETWEEN 0 AND 100),
  -- The share that the version was promised for when it is active; null when nothing is owed.
  traffic_when_active double precision CHECK (traffic_when_active BETWEEN 0 AND 100),
  created_at    timestamptz NOT NULL,
  ordinal       bigint GENERATED ALWAYS AS IDENTITY,
  UNIQUE (model_name, version),
  FOREIGN KEY (model_name, version) REFERENCES versions (model_name, version)
);

CREATE TABLE traffic (
  model_name text PRIMARY KEY REFERENCES models,
  revision   integer NOT NULL,
  shares     jsonb NOT NULL,
  slices     jsonb NOT NULL,
  reason     text NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE traffic_history (
  model_name text NOT NULL REFERENCES models,
  revision   integer NOT NULL,
  shares     jsonb NOT NULL,
  slices     jsonb NOT NULL,
  reason     text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (model_name, revision)
);

CREATE TABLE api_keys (
  public_id  text PRIMARY KEY,
  mac        text NOT NULL,
  name       text NOT NULL,
  tenant     text NOT NULL,
  scopes     jsonb NOT NULL,
  limits     jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  ordinal    bigint GENERATED ALWAYS AS IDENTITY
);
