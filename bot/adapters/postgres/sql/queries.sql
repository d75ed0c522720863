-- Named queries. A line `-- name: …` starts one; the comment under it says what it is for.

-- name: read_intake
-- What correlation needs, under the intake lock.
select aiops.read_intake(%(keys)s, %(fingerprints)s, %(since)s, %(fresh)s) as view

-- name: apply_intake
-- Write one planned batch.
select aiops.apply_intake(%(plan)s, %(now)s)

-- name: lock_investigations
-- Before claiming, in a statement of its own: one that waits for the lock counts with a picture from before it had it.
select pg_advisory_xact_lock(hashtext('aiops.investigate'))

-- name: claim_investigation
-- One that is due, unless as many are running as may. A lease that ran out belongs to a dead worker, save where the one who
-- asks knows better: what its own process is at.
with busy as (
    select count(*) as running from aiops.investigation
    where state = 'running' and lease_until > %(now)s
), due as (
    select v.id from aiops.investigation v, busy
    where busy.running < %(cap)s
      and ((v.state = 'queued' and v.due_at <= %(now)s) or (v.state = 'running' and v.lease_until <= %(now)s))
      and v.id <> all(%(held)s)
    order by v.due_at
    for update of v skip locked
    limit 1
)
update aiops.investigation v set
    state = 'running', owner = %(owner)s, lease_until = %(until)s, attempt = v.attempt + 1,
    started_at = coalesce(v.started_at, %(now)s)
from due where v.id = due.id
returning v.*

-- name: incident_starts
-- The incident of an investigation that begins.
update aiops.incident set state = 'investigating' where id = %(id)s and state = 'received'

-- name: extend_lease
-- Only while it is still ours.
update aiops.investigation set lease_until = %(until)s
where id = %(id)s and owner = %(owner)s and attempt = %(attempt)s and state = 'running'
returning id

-- name: end_investigation
-- Only while no other attempt has taken over.
update aiops.investigation set state = %(state)s, finished_at = %(now)s, lease_until = null
where id = %(id)s and attempt = %(attempt)s and state = 'running'
returning id

-- name: add_investigation
-- The partial unique index keeps it to one at a time.
insert into aiops.investigation (id, incident_id, number, trigger, due_at)
select i.id || '.' || n.number, i.id, n.number, %(trigger)s, %(due_at)s
from aiops.incident i, lateral (
    select coalesce(max(v.number), 0) + 1 as number from aiops.investigation v where v.incident_id = i.id
) n
where i.id = %(incident_id)s
on conflict do nothing
returning id

-- name: due_investigations
-- Incidents whose investigation should be running and is not; the sweeper wakes a worker for each.
select id from aiops.investigation
where (state = 'queued' and due_at <= %(now)s) or (state = 'running' and lease_until <= %(now)s)
order by due_at limit 100

-- name: incident
-- One incident.
select * from aiops.incident where id = %(id)s

-- name: incident_alerts
-- Its alerts, worst news first.
select * from aiops.alert where incident_id = %(id)s
order by (status = 'firing') desc, first_seen_at, fingerprint limit %(limit)s

-- name: related_alerts
-- What else alerted around then, on other incidents. A person's question is no alert.
select * from aiops.alert
where source <> 'manual' and starts_at between %(start)s and %(end)s and incident_id is distinct from %(id)s
order by starts_at desc, fingerprint limit %(limit)s

-- name: incident_by_anchor
-- The incident whose thread hangs under a message.
select * from aiops.incident where channel = %(channel)s and thread_ts = %(ts)s

-- name: incidents
-- Newest first.
select * from aiops.incident where (not %(only_open)s or state <> 'resolved') order by opened_at desc, id desc limit %(limit)s

-- name: counts
-- Numbers for the status report.
select
    (select count(*) from aiops.incident where state <> 'resolved') as open_incidents,
    (select count(*) from aiops.investigation where state = 'queued') as queued,
    (select count(*) from aiops.investigation where state = 'running') as running,
    (select count(*) from aiops.post where sent_version < version and state <> 'refused') as posts_waiting,
    (select count(*) from aiops.quarantine) as quarantined,
    (select max(received_at) from aiops.delivery) as last_delivery_at

-- name: concluded_investigation
-- The newest run that came to an assessment, else the newest.
select * from aiops.investigation where incident_id = %(id)s order by (assessment is not null) desc, number desc limit 1

-- name: first_conclusion
-- The run whose hypothesis is graded.
select * from aiops.investigation where incident_id = %(id)s and assessment is not null order by number limit 1

-- name: verdict
-- What the newest concluded run thinks.
select assessment #>> '{hypotheses,0,title}' as title, (assessment #>> '{hypotheses,0,confidence,value}')::float as confidence
from aiops.investigation where incident_id = %(id)s and assessment #> '{hypotheses,0}' is not null
order by number desc limit 1

-- name: touch_card
-- The alert card shows state and verdict, so it is edited when they change.
update aiops.post set version = version + 1, due_at = greatest(due_at, %(now)s)
where operation = %(id)s || ':alert' and is_parent

-- name: evidence
-- The pack of one investigation.
select body from aiops.evidence where investigation_id = %(id)s order by place

-- name: usage
-- What an incident's model calls cost so far.
select coalesce(sum(m.tokens), 0)::int as tokens, coalesce(sum(m.cost_usd), 0)::float as cost_usd,
    coalesce(sum(m.steps), 0)::int as steps
from aiops.model_call m join aiops.investigation v on v.id = m.investigation_id where v.incident_id = %(id)s

-- name: post_times
-- When messages of an incident first stood in Slack.
select kind, min(first_sent_at) as at from aiops.post where incident_id = %(id)s and first_sent_at is not null group by kind

-- name: save_pack
-- The pack's frame; its evidence follows.
update aiops.investigation set
    evidence_at = coalesce(evidence_at, %(now)s), gather_ms = coalesce(gather_ms, %(gather_ms)s),
    window_start = %(start)s, window_end = %(end)s, gaps = %(gaps)s
where id = %(id)s and attempt = %(attempt)s and state = 'running'
returning id

-- name: save_evidence
-- One observation; what the model's tools add later is kept too.
insert into aiops.evidence (investigation_id, id, place, body) values (%(investigation)s, %(id)s, %(place)s, %(body)s)
on conflict (investigation_id, id) do nothing

-- name: save_assessment
-- Frozen from here on; a second attempt with the same result changes nothing.
update aiops.investigation v set assessment = coalesce(v.assessment, %(assessment)s), runbook = %(runbook)s,
    -- Autonomy is earned for the alert that the runbook is for, else for the first.
    alert_class = coalesce((
        select a.name from unnest(i.alert_names) with ordinality as a (name, place)
        order by (a.name = any(%(runbook_alerts)s)) desc, a.place limit 1
    ), '')
from aiops.incident i
where v.id = %(id)s and i.id = v.incident_id and v.attempt = %(attempt)s and v.state = 'running'
returning v.id

-- name: put_post
-- How a message should read now.
insert into aiops.post (operation, incident_id, kind, content, due_at, created_at)
values (%(operation)s, %(incident_id)s, %(kind)s, %(content)s, %(now)s, %(now)s)
on conflict (operation) do update set
    content = excluded.content, version = post.version + 1, state = case post.state when 'sent' then 'waiting' else post.state end,
    due_at = case when %(final)s then excluded.due_at else greatest(excluded.due_at, post.sent_at + interval '3 seconds') end
where post.content is distinct from excluded.content

-- name: claim_post
-- The next message to send or edit: within an incident in the order they were written, and never before the parent.
with due as (
    select p.operation, p.incident_id from aiops.post p left join aiops.incident i on i.id = p.incident_id
    where p.sent_version < p.version and p.state <> 'refused' and p.due_at <= %(now)s
      and (p.lease_until is null or p.lease_until <= %(now)s)
      and (p.is_parent or p.thread_ts is not null or i.thread_ts is not null)
      and (p.ts is not null or not exists (
          select 1 from aiops.post q
          where q.incident_id = p.incident_id and q.place < p.place and q.ts is null and q.state <> 'refused'
      ))
    order by p.due_at, p.place
    for update of p skip locked
    limit 1
)
update aiops.post p set
    doubtful = p.doubtful or (p.state = 'sending' and p.ts is null),
    state = 'sending', owner = %(owner)s, lease_until = %(until)s, attempts = p.attempts + 1
from due left join aiops.incident i on i.id = due.incident_id
where p.operation = due.operation
returning p.operation, p.incident_id, p.kind, p.is_parent, p.ts, p.version, p.content, p.doubtful, p.attempts,
    coalesce(p.channel, i.channel) as channel,
    case when p.is_parent then null else coalesce(p.thread_ts, i.thread_ts) end as thread_ts

-- name: extend_post
-- Only while it is still ours.
update aiops.post set lease_until = %(until)s where operation = %(operation)s and owner = %(owner)s and state = 'sending'
returning operation

-- name: post_sent
-- It stands in Slack; if it was changed meanwhile it is due again.
update aiops.post set
    ts = %(ts)s, channel = %(channel)s, sent_version = greatest(sent_version, %(version)s), sent_at = %(now)s,
    first_sent_at = coalesce(first_sent_at, %(now)s), state = case when version > %(version)s then 'waiting' else 'sent' end::aiops.post_state,
    lease_until = null, owner = null, doubtful = false, attempts = 0, why = ''
where operation = %(operation)s
returning incident_id, is_parent

-- name: parent_sent
-- From now on the incident has a thread.
update aiops.incident set thread_ts = %(ts)s, channel = %(channel)s where id = %(id)s and thread_ts is null

-- name: post_delayed
-- Try again later.
update aiops.post set state = 'waiting', due_at = %(due_at)s, lease_until = null, owner = null, why = %(why)s,
    doubtful = doubtful or %(doubtful)s
where operation = %(operation)s

-- name: post_refused
-- Slack will never take this one.
update aiops.post set state = 'refused', lease_until = null, owner = null, why = %(why)s where operation = %(operation)s

-- name: retry_refused_post
-- What was refused may be taken later, once the bot was invited say: after ten minutes, then twice as long each time, at
-- most six hours. `due_at` is when it was last tried.
update aiops.post set state = 'waiting', due_at = %(now)s
where operation = %(operation)s and state = 'refused'
    and due_at + least(interval '6 hours', interval '10 minutes' * power(2, least(attempts, 8) - 1)) <= %(now)s
returning attempts

-- name: put_inbox
-- Written before the acknowledgement.
insert into aiops.slack_inbox (event_id, kind, body, received_at, due_at)
values (%(event_id)s, %(kind)s, %(body)s, %(now)s, %(now)s)
on conflict (event_id) do nothing
returning event_id

-- name: claim_inbox
-- The next event to handle.
with due as (
    select event_id from aiops.slack_inbox
    where done_at is null and due_at <= %(now)s and (lease_until is null or lease_until <= %(now)s)
    order by received_at, event_id for update skip locked limit 1
)
update aiops.slack_inbox b set lease_until = %(until)s, attempts = b.attempts + 1
from due where b.event_id = due.event_id
returning b.event_id, b.kind, b.body, b.attempts

-- name: inbox_done
-- Handled.
update aiops.slack_inbox set done_at = %(now)s, lease_until = null where event_id = %(event_id)s

-- name: inbox_failed
-- Not handled; without a time to retry it is given up, and stays for a person to read.
update aiops.slack_inbox set
    why = %(why)s, lease_until = null, due_at = coalesce(%(retry_at)s, due_at),
    done_at = case when %(retry_at)s::timestamptz is null then now() end
where event_id = %(event_id)s

-- name: last_seen
-- The newest message of a channel that was handled.
select last_seen_ts from aiops.slack_channel where channel = %(channel)s

-- name: set_last_seen
-- Only ever forward.
insert into aiops.slack_channel (channel, last_seen_ts) values (%(channel)s, %(ts)s)
on conflict (channel) do update set last_seen_ts = greatest(slack_channel.last_seen_ts, excluded.last_seen_ts)

-- name: quarantine
-- What could not be read is kept for a person.
insert into aiops.quarantine (source, reason, body, received_at) values (%(source)s, %(reason)s, %(body)s, %(now)s)

-- name: audit
-- Who did what to which thing.
insert into aiops.aiops_audit (at, actor, action, target, detail)
values (%(now)s, %(actor)s, %(action)s, %(target)s, %(detail)s)

-- name: add_model_call
-- One model call.
insert into aiops.model_call (
    investigation_id, purpose, prompt_name, prompt_version, prompt_sha256, model, outcome, tokens, cost_usd, steps, took_ms
) values (
    %(investigation)s, %(purpose)s, %(prompt_name)s, %(prompt_version)s, %(prompt_sha256)s, %(model)s, %(outcome)s,
    %(tokens)s, %(cost_usd)s, %(steps)s, %(took_ms)s
)

-- name: add_tool_call
-- One tool call with its whole result.
insert into aiops.tool_call (investigation_id, tool, args, outcome, result_text, took_ms)
values (%(investigation)s, %(tool)s, %(args)s, %(outcome)s, %(text)s, %(took_ms)s)

-- name: search_tool_results
-- Lines of kept tool results that contain a text.
select c.tool, line from aiops.tool_call c, regexp_split_to_table(c.result_text, E'\n') as line
where c.investigation_id = %(investigation)s and position(lower(%(contains)s) in lower(line)) > 0
order by c.id limit %(limit)s

-- name: indexed_postmortems
-- What the index holds of files for this embedding model.
select id, sha256 from aiops.postmortem where model = %(model)s and origin = 'file'

-- name: put_postmortem
-- One postmortem; its vectors follow.
insert into aiops.postmortem (id, body, sha256, model, origin)
values (%(id)s, %(body)s, %(sha256)s, %(model)s, %(origin)s)
on conflict (id) do update set body = excluded.body, sha256 = excluded.sha256, model = excluded.model,
    origin = excluded.origin, indexed_at = clock_timestamp()

-- name: drop_vectors
-- Before the new ones go in.
delete from aiops.postmortem_vector where postmortem_id = %(id)s

-- name: put_vector
-- One section.
insert into aiops.postmortem_vector (postmortem_id, section, embedding, model)
values (%(id)s, %(section)s, %(embedding)s::public.halfvec, %(model)s)

-- name: remove_postmortems
-- Files that are gone.
delete from aiops.postmortem where id = any (%(ids)s)

-- name: nearest_postmortems
-- Scan by cosine (exact without postmortem_vector_hnsw), and the cosine of some that were found otherwise; two sections a postmortem, the better counts.
with near as (
    select postmortem_id, 1 - (embedding <=> %(vector)s::public.halfvec) as score from aiops.postmortem_vector
    where model = %(model)s order by embedding <=> %(vector)s::public.halfvec limit 2 * %(k)s
), asked as (
    select postmortem_id, 1 - (embedding <=> %(vector)s::public.halfvec) as score from aiops.postmortem_vector
    where postmortem_id = any (%(also)s) and model = %(model)s
)
select postmortem_id as id, max(score) as score from (select * from near union all select * from asked) found
group by postmortem_id order by score desc, postmortem_id

-- name: index_watermark
-- Whether a copy in memory is still good.
select count(*) as count, coalesce(max(indexed_at)::text, '') as newest,
    exists (select 1 from aiops.postmortem where sha256 = '' and model = %(model)s) as unfinished
from aiops.postmortem where model = %(model)s

-- name: postmortem_stamps
-- What changed since a copy in memory was made.
select id, indexed_at::text as stamp from aiops.postmortem where model = %(model)s

-- name: read_postmortems
-- Some records.
select body from aiops.postmortem where id = any (%(ids)s) order by id

-- name: unfinished_postmortems
-- Records that come from no file and whose vectors are still to be made.
select body from aiops.postmortem where sha256 = '' and origin <> 'file' and model = %(model)s order by id limit %(limit)s

-- name: clock
-- The database's own time; also the cheapest proof that it answers.
select now() as now
