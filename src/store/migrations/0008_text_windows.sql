-- What versions of text answered, a row a minute: sums by key, added up like the buckets of a histogram.

CREATE TABLE text_windows (
  model_name text NOT NULL,
  version    text NOT NULL,
  "start"    timestamptz NOT NULL,
  counts     jsonb NOT NULL,
  PRIMARY KEY (model_name, "start", version)
);
CREATE INDEX text_windows_by_time ON text_windows ("start");
