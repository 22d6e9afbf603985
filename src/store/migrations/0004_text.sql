-- Models of text: providers, serving policies, limits and prices as named documents with a revision, and what a request
-- to such a model adds to its record.

CREATE TABLE settings (
  kind       text NOT NULL CHECK (kind IN ('provider', 'serving-policy', 'limit', 'price')),
  name       text NOT NULL,
  revision   integer NOT NULL,
  body       jsonb NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (kind, name)
);

ALTER TABLE api_keys ADD COLUMN priority text;
-- json, not jsonb: kept as it was written, and any text that JSON can escape is taken.
ALTER TABLE inference_logs ADD COLUMN "text" json;
