-- name: lock_migrations  Several servers may start at once; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('basecamp.migrations'));

-- name: is_set_up  Asked first, because CREATE … IF NOT EXISTS wants rights that a careful role need not have.
SELECT to_regclass('basecamp.migrations') IS NOT NULL AS ready;

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS basecamp;

-- name: create_migrations
CREATE TABLE IF NOT EXISTS basecamp.migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());

-- name: applied_migrations
SELECT name FROM basecamp.migrations;

-- name: record_migration
INSERT INTO basecamp.migrations (name) VALUES (%s);

-- name: record_change  The first record of an id stays.
INSERT INTO basecamp.changes (id, service, kind, at, author, title, detail, version)
VALUES (%(id)s, %(service)s, %(kind)s, %(at)s, %(author)s, %(title)s, %(detail)s, %(version)s)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: change
SELECT id, service, kind, at, author, title, detail, version FROM basecamp.changes WHERE id = %(id)s;

-- name: changes  Newest first.
SELECT id, service, kind, at, author, title, detail, version
  FROM basecamp.changes
 WHERE at >= %(since)s
   AND (%(service)s::text IS NULL OR service = %(service)s)
 ORDER BY at DESC, id
 LIMIT %(limit)s;

-- name: versions  What each service runs by its newest deploy.
SELECT DISTINCT ON (service) service, version
  FROM basecamp.changes
 WHERE kind = 'deploy' AND version IS NOT NULL AND at <= now()
 ORDER BY service, at DESC, id;
