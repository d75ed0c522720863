-- name: sessions  Client sessions one by one, longest idle first; `protected` is why one may not be terminated.
WITH judged AS (
    SELECT a.pid,
           a.backend_start AS started,
           coalesce(nullif(a.application_name, ''), '(none)') AS application_name,
           a.usename::text AS user,
           coalesce(a.state, 'unknown') AS state,
           CASE WHEN a.state LIKE 'idle%%'
                THEN round(extract(epoch FROM clock_timestamp() - a.state_change), 1)::float8
           END AS idle_seconds,
           CASE WHEN a.state LIKE 'idle%%' THEN a.state_change END AS idle_since,
           coalesce(host(a.client_addr), 'local') AS client,
           nullif(a.query, '') AS query,
           CASE WHEN a.application_name = 'basecamp-mcp' AND a.usename = current_user THEN 'basecamp''s own'
                WHEN a.backend_type <> 'client backend' THEN a.backend_type
                WHEN r.rolsuper IS NOT FALSE THEN 'superuser'
                WHEN r.rolreplication THEN 'replication role'
           END AS protected
      FROM pg_stat_activity AS a
      LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
     WHERE a.pid <> pg_backend_pid() AND a.backend_start IS NOT NULL
       AND (%(pids)s::int[] IS NOT NULL OR a.backend_type = 'client backend')
)
SELECT *, (count(*) OVER ())::int AS total, clock_timestamp() AS at
  FROM judged
 WHERE (%(application_name)s::text IS NULL OR application_name = %(application_name)s)
   AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(idle_longer_than_s)s::float8 IS NULL OR idle_seconds > %(idle_longer_than_s)s)
   AND (%(pids)s::int[] IS NULL OR pid = ANY (%(pids)s))
 ORDER BY idle_seconds DESC NULLS LAST, pid
 LIMIT %(limit)s;

-- name: terminate_session  Ends one session if it is still that very one and may be ended; no row when it is gone.
SELECT CASE WHEN protected IS NULL AND NOT used_since THEN pg_terminate_backend(pid) END AS signalled,
       protected, used_since, state
  FROM (SELECT a.pid,
               coalesce(a.state, 'unknown') AS state,
               %(idle_since)s::timestamptz IS NOT NULL
               AND (coalesce(a.state, 'unknown') NOT LIKE 'idle%%'
                    OR a.state_change IS DISTINCT FROM %(idle_since)s::timestamptz) AS used_since,
               CASE WHEN a.pid = pg_backend_pid() THEN 'basecamp''s own'
                    WHEN a.application_name = 'basecamp-mcp' AND a.usename = current_user THEN 'basecamp''s own'
                    WHEN a.backend_type <> 'client backend' THEN a.backend_type
                    WHEN r.rolsuper IS NOT FALSE THEN 'superuser'
                    WHEN r.rolreplication THEN 'replication role'
               END AS protected
          FROM pg_stat_activity AS a
          LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
         WHERE a.pid = %(pid)s AND a.backend_start = %(started)s) AS named;

-- name: sessions_still_there
SELECT a.pid, a.backend_start AS started
  FROM pg_stat_activity AS a
  JOIN unnest(%(pids)s::int[], %(starts)s::timestamptz[]) AS named (pid, started)
    ON named.pid = a.pid AND named.started = a.backend_start;

-- name: hidden_sessions  Of other roles' sessions a role without pg_read_all_stats sees little more than that they exist.
SELECT count(*)::int AS hidden
  FROM pg_stat_activity
 WHERE datid IS NOT NULL AND backend_start IS NULL;
