-- A change, its hash-chained log, its evidence, who signed it, how it was rolled out.
-- What a hash covers is `json`, not `jsonb`: it comes back as it was written.

CREATE TABLE changes (
  change_id     text PRIMARY KEY,
  model_name    text NOT NULL REFERENCES models,
  proposal      jsonb NOT NULL,
  state         text NOT NULL,
  reason        text,
  champion      jsonb NOT NULL,
  candidate     jsonb NOT NULL,
  author        text NOT NULL,
  verdict       jsonb,
  checks        jsonb NOT NULL,
  rollout_id    text,
  last_sequence integer NOT NULL,
  last_hash     text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  ordinal       bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX changes_by_model ON changes (model_name, ordinal);

CREATE TABLE change_events (
  change_id     text NOT NULL REFERENCES changes,
  sequence      integer NOT NULL,
  at            timestamptz NOT NULL,
  actor         text NOT NULL,
  type          text NOT NULL,
  data          json NOT NULL,
  previous_hash text,
  hash          text NOT NULL,
  PRIMARY KEY (change_id, sequence)
);

CREATE TABLE evidence (
  hash         text PRIMARY KEY,
  change_id    text NOT NULL REFERENCES changes,
  check_name   text NOT NULL,
  plan_hash    text NOT NULL,
  status       text NOT NULL,
  summary      text NOT NULL,
  body         json NOT NULL,
  finished_at  timestamptz NOT NULL,
  ordinal      bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX evidence_by_change ON evidence (change_id, check_name, ordinal);

CREATE TABLE evidence_blocks (
  change_id  text NOT NULL,
  check_name text NOT NULL,
  plan_hash  text NOT NULL,
  block      integer NOT NULL,
  body       json NOT NULL,
  PRIMARY KEY (change_id, check_name, plan_hash, block)
);

CREATE TABLE sign_offs (
  ordinal       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  change_id     text NOT NULL REFERENCES changes,
  gate          text NOT NULL,
  actor         text NOT NULL,
  evidence_hash text NOT NULL,
  at            timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  note          text NOT NULL,
  UNIQUE (change_id, gate, actor, evidence_hash)
);

CREATE TABLE rollouts (
  rollout_id      text PRIMARY KEY,
  change_id       text REFERENCES changes,
  model_name      text NOT NULL REFERENCES models,
  champion        text NOT NULL,
  candidate       text NOT NULL,
  plan            jsonb NOT NULL,
  guards          jsonb NOT NULL,
  forecast        jsonb NOT NULL,
  state           text NOT NULL,
  step            integer NOT NULL,
  reason          text,
  started_at      timestamptz NOT NULL,
  step_started_at timestamptz NOT NULL,
  finished_at     timestamptz,
  rollback_ms     double precision,
  ordinal         bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX rollouts_open ON rollouts (ordinal) WHERE state NOT IN ('done', 'rolled-back');

CREATE TABLE rollout_looks (
  rollout_id text NOT NULL REFERENCES rollouts,
  sequence   integer NOT NULL,
  at         timestamptz NOT NULL,
  decision   text NOT NULL,
  body       jsonb NOT NULL,
  PRIMARY KEY (rollout_id, sequence)
);

-- Who did what. Append-only, like the log of a change.
CREATE TABLE audit (
  sequence      integer PRIMARY KEY,
  at            timestamptz NOT NULL,
  actor         text NOT NULL,
  action        text NOT NULL,
  target        text NOT NULL,
  detail        json NOT NULL,
  previous_hash text,
  hash          text NOT NULL
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER change_events_append_only BEFORE UPDATE OR DELETE ON change_events
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
