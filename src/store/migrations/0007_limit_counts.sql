-- What limits of a day or month have used, over all gateways: a restart of control must not grant a month anew.

CREATE TABLE limit_counts (
  id       text PRIMARY KEY,
  start_at timestamptz NOT NULL,
  end_at   timestamptz NOT NULL,
  -- Requests, tokens, or millionths of a dollar.
  used     bigint NOT NULL
);
