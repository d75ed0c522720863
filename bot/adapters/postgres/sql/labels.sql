-- What recording a root cause reads beside the labels.

-- name: first_assessment
-- What the first investigation that concluded came to.
select assessment from aiops.investigation where incident_id = %(id)s and assessment is not null order by number limit 1

-- name: recorded_outcomes
-- The labels that stand, newest first.
select * from aiops.label
order by recorded_at desc, incident_id desc limit %(limit)s

-- name: content_of_post
-- What a message should read now.
select kind, content from aiops.post where operation = %(operation)s and content is not null

-- name: unremembered_labels
-- Labelled incidents whose record is missing or was made from something older; the mark changes with what it is made from.
with labelled as (
    select i.id, i.title, i.service, i.severity, i.started_at, i.request_text, o.form, o.recorded_at, coalesce((
            select n.permalink from aiops.outcome n
            where n.incident_id = i.id and n.permalink <> '' and n.message_deleted_at is null and not n.withdrawn
            order by n.version desc limit 1
        ), '') as link,
        concat_ws('|', o.version, i.state = 'resolved', i.alert_count, i.title, i.service) as made_from
    from aiops.label o join aiops.incident i on i.id = o.incident_id
    where coalesce((o.form ->> 'established')::boolean, true)
), marked as (
    select l.*, encode(sha256(convert_to(concat_ws('|', l.made_from, l.link), 'UTF8')), 'hex') as mark from labelled l
)
select m.*, coalesce((
        select array_agg(said.words order by said.place) from (
            select each.words, min(each.place) as place from (
                select a.name as words, 2 * row_number() over (order by a.first_seen_at, a.fingerprint) as place
                from aiops.alert a where a.incident_id = m.id
                union all
                select a.summary, 2 * row_number() over (order by a.first_seen_at, a.fingerprint) + 1
                from aiops.alert a where a.incident_id = m.id
            ) each
            where each.words <> '' group by each.words order by place limit 20
        ) said
    ), '{}') as alerts
from marked m left join aiops.postmortem p on p.id = 'incident:' || m.id and p.model = %(model)s
where p.body ->> 'sha256' is distinct from m.mark
order by m.recorded_at, m.id limit %(limit)s

-- name: unremembered_history
-- Imported incidents whose record is missing or was made from an older import.
select h.body, h.sha256 as mark
from aiops.past_incident h left join aiops.postmortem p on p.id = 'history:' || h.id and p.model = %(model)s
where p.body ->> 'sha256' is distinct from h.sha256
order by h.id limit %(limit)s

-- name: outlived_records
-- Records of labels that do not stand any more.
select p.id from aiops.postmortem p
where p.origin = 'incident' and not exists (
    select 1 from aiops.label o
    where 'incident:' || o.incident_id = p.id and coalesce((o.form ->> 'established')::boolean, true)
)

-- name: unlinked_labels
-- Labels of the last days that nothing leads to, with their thread.
select o.incident_id, i.channel, i.thread_ts from aiops.label o join aiops.incident i on i.id = o.incident_id
where o.permalink = '' and i.thread_ts is not null and o.recorded_at > %(since)s
order by o.recorded_at desc, o.incident_id limit %(limit)s

-- name: link_label
-- A link into the thread.
update aiops.outcome o set permalink = %(link)s
from aiops.label l
where l.incident_id = %(id)s and o.incident_id = l.incident_id and o.version = l.version and o.permalink = ''

-- name: cause_counts
-- What a service's incidents turned out to be, from labels and from before the bot.
select cause_class, count(*)::int as incidents from (
    select o.form ->> 'cause_class' as cause_class
    from aiops.label o join aiops.incident i on i.id = o.incident_id
    where lower(i.service) = lower(%(service)s) and coalesce((o.form ->> 'established')::boolean, true)
    union all
    select h.body ->> 'cause_class' from aiops.past_incident h where lower(h.body ->> 'service') = lower(%(service)s)
) known
where cause_class is not null and cause_class <> 'unknown' and %(service)s <> ''
group by cause_class order by incidents desc, cause_class

-- name: lock_intake
-- No alert joins an incident while it is closed.
select pg_advisory_xact_lock(hashtext('aiops.intake'))

-- name: close_incident
-- Over by a person's word. A person's question is an alert that nothing resolves.
update aiops.incident i set state = 'resolved', resolved_at = %(now)s, firing_count = (
        select count(*) from aiops.alert a where a.incident_id = i.id and a.status = 'firing' and a.source <> 'manual'
    )
where i.id = %(id)s and i.state <> 'resolved' and not (%(only_quiet)s and exists (
    select 1 from aiops.alert a where a.incident_id = i.id and a.status = 'firing' and a.source <> 'manual'
))
returning i.id

-- name: close_questions
-- What a person asked is over with its incident.
update aiops.alert set status = 'resolved', ends_at = %(now)s
where incident_id = %(id)s and source = 'manual' and status = 'firing'

-- name: cancel_queued
-- An investigation that waits is not begun any more.
update aiops.investigation set state = 'cancelled', finished_at = %(now)s where incident_id = %(id)s and state = 'queued'
