-- name: activity_limits  Slots and how many of them clients hold; our own session is not counted.
SELECT current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
       (SELECT count(*) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::int AS used,
       clock_timestamp() AS at;

-- name: activity_by_state
SELECT coalesce(state, 'unknown') AS state, count(*)::int AS count
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 GROUP BY 1
 ORDER BY 2 DESC, 1;

-- name: activity_by_application  The newest statement stands for the group.
SELECT coalesce(nullif(application_name, ''), '(none)') AS application_name,
       usename::text AS user,
       coalesce(state, 'unknown') AS state,
       count(*)::int AS count,
       round(extract(epoch FROM max(clock_timestamp() - state_change)
             FILTER (WHERE state LIKE 'idle%')), 1)::float8 AS oldest_idle_seconds,
       (array_agg(query ORDER BY query_start DESC NULLS LAST) FILTER (WHERE query <> ''))[1] AS sample_query
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 GROUP BY 1, 2, 3
 ORDER BY 4 DESC, 1, 2, 3
 LIMIT 50;

-- name: activity_longest  Longest in the state they are in now.
SELECT pid,
       coalesce(nullif(application_name, ''), '(none)') AS application_name,
       usename::text AS user,
       coalesce(state, 'unknown') AS state,
       wait_event_type || ':' || wait_event AS wait_event,
       round(extract(epoch FROM clock_timestamp() - state_change), 1)::float8 AS state_seconds,
       round(extract(epoch FROM clock_timestamp() - xact_start), 1)::float8 AS transaction_seconds,
       nullif(query, '') AS query
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 ORDER BY state_change NULLS LAST, pid
 LIMIT 10;

-- name: settings
SELECT name, setting AS value, unit, source FROM pg_settings WHERE name = ANY (%s) ORDER BY name;

-- name: setting_names
SELECT name FROM pg_settings;

-- name: who_am_i  pg_use_reserved_connections exists since PostgreSQL 16.
SELECT current_setting('server_version') AS version,
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false)
           OR (coalesce(current_setting('reserved_connections', true), '0')::int > 0
               AND EXISTS (SELECT FROM pg_roles
                            WHERE rolname = 'pg_use_reserved_connections'
                              AND pg_has_role(current_user, oid, 'usage'))) AS may_use_reserved;
