-- The anomaly sweep. A line `-- name: …` starts a query.

-- name: claim_signal
-- No row when another process has this period, or a later one.
insert into aiops.anomaly_signal as s (name, period, swept_at) values (%(signal)s, %(period)s, %(now)s)
on conflict (name) do update set period = excluded.period, swept_at = excluded.swept_at
where s.period < excluded.period
returning s.seen_to

-- name: settle_signal
-- Touches no row when a later period has been taken meanwhile.
update aiops.anomaly_signal set seen_to = coalesce(%(seen_to)s, seen_to), problem = %(problem)s
where name = %(signal)s and period = %(period)s

-- name: signals_swept
-- Every signal that was ever swept.
select name, swept_at, problem from aiops.anomaly_signal order by name

-- name: hold_onset
-- Once, however often it is seen.
insert into aiops.anomaly_held (signal, onset_at, held_at, words)
values (%(signal)s, %(onset_at)s, %(now)s, %(words)s)
on conflict (signal, onset_at) do nothing

-- name: onsets_held
-- What the limit kept back, newest first.
select signal, onset_at, held_at, words from aiops.anomaly_held where held_at >= %(since)s order by held_at desc, signal

-- name: sweep_incidents
-- How many incidents the sweep has opened.
select count(*)::int as count from aiops.incident where trigger = 'anomaly' and opened_at > %(since)s

-- name: firing_alert
-- The alert of a fingerprint that fires now.
select * from aiops.alert where fingerprint = %(fingerprint)s and status = 'firing' order by starts_at desc limit 1
