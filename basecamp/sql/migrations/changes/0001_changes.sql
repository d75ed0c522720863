-- What people and machines did to services, as CI systems record it.
CREATE TABLE basecamp.changes (
    id          text PRIMARY KEY,
    service     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('deploy', 'config', 'flag', 'commit', 'scale', 'migration')),
    at          timestamptz NOT NULL,
    author      text,
    title       text NOT NULL,
    detail      text,
    version     text,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX changes_by_service ON basecamp.changes (service, at DESC);
CREATE INDEX changes_by_time ON basecamp.changes (at DESC);
