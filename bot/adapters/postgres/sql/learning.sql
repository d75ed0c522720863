-- Labels, and what is learned from them.

-- name: lock_incident
-- One writer of an incident's label at a time.
select id from aiops.incident where id = %(id)s for update

-- name: add_outcome
-- The next version of a label.
insert into aiops.outcome (
    incident_id, version, form, author, source, recorded_at, channel, message_ts, permalink, grade, graded_by, grade_reason,
    withdrawn
)
select %(incident_id)s, coalesce(max(o.version), 0) + 1, %(form)s, %(author)s, %(source)s, %(now)s, %(channel)s,
    %(message_ts)s, %(permalink)s, %(grade)s, %(graded_by)s, %(grade_reason)s, %(withdrawn)s
from aiops.outcome o where o.incident_id = %(incident_id)s
returning *

-- name: outcome
-- The label that stands.
select * from aiops.label where incident_id = %(id)s

-- name: outcomes
-- Every version of a label.
select * from aiops.outcome where incident_id = %(id)s order by version

-- name: outcome_by_message
-- The newest version that was written in a message.
select * from aiops.outcome where channel = %(channel)s and message_ts = %(ts)s order by recorded_at desc, version desc
limit 1

-- name: outcome_message_deleted
-- The message is gone; the label stands.
update aiops.outcome set message_deleted_at = %(now)s
where channel = %(channel)s and message_ts = %(ts)s and message_deleted_at is null

-- name: grade_outcome
-- A grade that arrives after the label; a person's is never replaced.
update aiops.outcome set
    grade = case when graded_by = 'person' then grade else %(grade)s end,
    graded_by = case when graded_by = 'person' then graded_by else %(by)s end,
    grade_reason = case when graded_by = 'person' then grade_reason else %(reason)s end,
    judge_grade = case when %(by)s = 'judge' then %(grade)s else judge_grade end,
    judged_with = case when %(by)s = 'judge' then %(judged_with)s else judged_with end
where incident_id = %(incident_id)s and version = %(version)s

-- name: unjudged_outcomes
-- Labels that stand and that only text can grade, or a judge's word on which is still missing beside a person's.
select o.* from aiops.label o
where o.judge_grade is null and o.graded_by is distinct from 'match'
    and (o.judging_until is null or o.judging_until < %(now)s)
    and coalesce((o.form ->> 'established')::boolean, true) and o.form ->> 'cause' <> ''
    and exists (
        select 1 from aiops.investigation v
        where v.incident_id = o.incident_id and v.assessment #>> '{hypotheses,0,cause_class}' <> 'unknown'
    )
order by o.recorded_at, o.incident_id limit %(limit)s

-- name: claim_judging
-- One judge at a time; a dead one's hold ends by itself.
update aiops.outcome set judging_until = %(until)s
where incident_id = %(incident_id)s and version = %(version)s and judge_grade is null
    and (judging_until is null or judging_until < %(now)s)
returning version

-- name: release_judging
-- It could not be judged now.
update aiops.outcome set judging_until = null where incident_id = %(incident_id)s and version = %(version)s

-- name: judge_pairs
-- What a person and a judge said of the same hypothesis, of every label that stands, over all time.
select (o.form ->> 'grade')::int as person, o.judge_grade as judge
from aiops.label o
where o.judge_grade is not null and o.form ->> 'grade' is not null
    and exists (select 1 from aiops.investigation v where v.incident_id = o.incident_id and v.assessment is not null)
order by o.incident_id

-- name: anything_graded
-- Whether there is anything to learn from; far cheaper than the calls.
select 1 as one from aiops.label where grade is not null limit 1

-- name: ask_outcome
-- Asked once.
insert into aiops.outcome_request (incident_id, asked_at) values (%(id)s, %(now)s)
on conflict (incident_id) do nothing returning incident_id

-- name: unasked
-- Over not long ago, with a hypothesis in the thread, and nobody was asked yet.
select i.* from aiops.incident i
where i.state = 'resolved' and i.resolved_at > %(over_since)s
    and not exists (select 1 from aiops.outcome_request r where r.incident_id = i.id)
    and not exists (select 1 from aiops.label o where o.incident_id = i.id)
    and exists (
        select 1 from aiops.post p
        where p.incident_id = i.id and p.kind = 'hypothesis' and p.ts is not null
    )
order by i.resolved_at, i.id limit %(limit)s

-- name: due_reminders
-- Asked long ago, never reminded, still without a label.
select i.* from aiops.incident i join aiops.outcome_request r on r.incident_id = i.id
where r.asked_at < %(asked_before)s and r.reminded_at is null
    and not exists (select 1 from aiops.label o where o.incident_id = i.id)
order by r.asked_at, i.id limit %(limit)s

-- name: outcome_reminded
-- Reminded once.
update aiops.outcome_request set reminded_at = %(now)s where incident_id = %(id)s and reminded_at is null

-- name: unlabelled
-- Over, with a hypothesis, and nobody has said what it really was.
select i.* from aiops.incident i
where i.state = 'resolved' and not exists (select 1 from aiops.label o where o.incident_id = i.id)
    and exists (select 1 from aiops.investigation v where v.incident_id = i.id and v.assessment is not null)
order by i.resolved_at desc, i.id desc limit %(limit)s

-- name: put_past_incident
-- An imported incident; a changed one replaces what was imported before.
insert into aiops.past_incident (id, body, sha256, imported_by, imported_at)
values (%(id)s, %(body)s, %(sha256)s, %(by)s, %(now)s)
on conflict (id) do update set
    body = excluded.body, sha256 = excluded.sha256, imported_by = excluded.imported_by, imported_at = excluded.imported_at
where past_incident.sha256 <> excluded.sha256
returning id

-- name: vote_similar
-- Whether a similar incident that was shown was of any use; the last word of each person counts.
insert into aiops.similar_vote (incident_id, similar_id, user_id, relevant, at)
values (%(incident_id)s, %(similar_id)s, %(user)s, %(relevant)s, %(now)s)
on conflict (incident_id, similar_id, user_id) do update set relevant = excluded.relevant, at = excluded.at

-- name: calls
-- The first hypothesis of each incident, with the label that stands.
select c.incident_id, c.finished_at, c.runbook, c.alert_class, c.assessment #> '{hypotheses,0}' as leader,
    c.assessment -> 'features' as features, c.assessment ->> 'analyst' as analyst, c.assessment -> 'prompt' as prompt,
    jsonb_array_length(coalesce(c.assessment #> '{similar,incidents}', '[]')) as similar_shown, i.title, i.service, i.opened_at, o.form as label, o.grade, o.graded_by, o.judge_grade, o.recorded_at,
    p.evidence_at as evidence_sent_at, p.hypothesis_at as hypothesis_sent_at, coalesce(u.tokens, 0)::int as tokens,
    coalesce(u.cost_usd, 0)::float as cost_usd, s.relevant as similar_relevant
from (
    select distinct on (v.incident_id) v.incident_id, v.id as investigation_id, v.assessment, v.runbook, v.alert_class,
        v.finished_at
    from aiops.investigation v where v.assessment is not null order by v.incident_id, v.number
) c
join aiops.incident i on i.id = c.incident_id
left join aiops.label o on o.incident_id = c.incident_id
left join lateral (
    select min(p.first_sent_at) filter (where p.kind = 'evidence') as evidence_at,
        min(p.first_sent_at) filter (where p.kind = 'hypothesis') as hypothesis_at
    from aiops.post p where p.incident_id = c.incident_id
) p on true
left join lateral (
    select sum(m.tokens) as tokens, sum(m.cost_usd) as cost_usd
    from aiops.model_call m join aiops.investigation v on v.id = m.investigation_id where v.incident_id = c.incident_id
) u on true
left join lateral (
    select bool_or(s.relevant) as relevant from aiops.similar_vote s where s.incident_id = c.incident_id
) s on true
where (%(since)s::timestamptz is null or coalesce(p.hypothesis_at, c.finished_at, i.opened_at) >= %(since)s)
    and (%(alert_class)s::text is null or c.alert_class = %(alert_class)s)
    and (%(runbook)s::text is null or c.runbook = %(runbook)s)
    and (%(incident_id)s::text is null or c.incident_id = %(incident_id)s)
order by coalesce(p.hypothesis_at, c.finished_at, i.opened_at), c.incident_id

-- name: earned_for
-- The class and runbook that an incident's label counts for.
select alert_class, runbook from aiops.investigation
where incident_id = %(id)s and assessment is not null order by number limit 1

-- name: lock_standing
-- One writer of a class's standing with a runbook at a time. A statement of its own: what is read after it sees what the
-- writer before has committed.
select pg_advisory_xact_lock(hashtextextended('aiops.autonomy ' || %(alert_class)s || ' ' || %(runbook)s, 0))

-- name: standing
-- What one class has earned with one runbook.
select * from aiops.autonomy where alert_class = %(alert_class)s and runbook = %(runbook)s

-- name: undetailed_digests
-- Digests that stand in Slack without their details.
select p.operation, p.channel, p.ts from aiops.post p
where p.kind = 'digest' and p.is_parent and p.ts is not null and p.first_sent_at > %(since)s
    and not exists (select 1 from aiops.post d where d.operation = p.operation || ':details')
order by p.place

-- name: standings
-- What every class has earned.
select * from aiops.autonomy order by alert_class, runbook

-- name: set_standing
-- A level changes; since when is kept while it stays.
insert into aiops.autonomy (alert_class, runbook, level, why, lower_bound, labels, since)
values (%(alert_class)s, %(runbook)s, %(level)s, %(why)s, %(lower_bound)s, %(labels)s, %(since)s)
on conflict (alert_class, runbook) do update set
    level = excluded.level, why = excluded.why, lower_bound = excluded.lower_bound, labels = excluded.labels,
    since = excluded.since

-- name: calibration
-- The newest fit that is used.
select * from aiops.calibration where used order by fitted_at desc, version desc limit 1

-- name: calibrations
-- The newest fits.
select * from aiops.calibration order by fitted_at desc, version desc limit %(limit)s

-- name: add_calibration
-- A fit, once.
insert into aiops.calibration (
    version, slope, "offset", labels, fitted_at, brier_old, brier_new, compared, used, why
) values (
    %(version)s, %(slope)s, %(offset)s, %(labels)s, %(fitted_at)s, %(brier_old)s, %(brier_new)s, %(compared)s,
    %(used)s, %(why)s
)
on conflict (version) do nothing returning version

-- name: action_counts
-- Approvals asked for and runs ended in a period.
select
    (select count(*) from aiops.approval where created_at >= %(since)s and created_at < %(until)s)::int as approvals_asked,
    (select count(*) from aiops.approval
        where created_at >= %(since)s and created_at < %(until)s and state = 'rejected')::int as approvals_rejected,
    (select count(*) from aiops.approval
        where created_at >= %(since)s and created_at < %(until)s and state = 'expired')::int as approvals_expired,
    (select count(*) from aiops.run
        where ended_at >= %(since)s and ended_at < %(until)s and state = 'succeeded')::int as runs_succeeded,
    (select count(*) from aiops.run where ended_at >= %(since)s and ended_at < %(until)s)::int as runs_ended

-- name: put_world
-- What an investigation knew; the first counts.
insert into aiops.world (investigation_id, body, kept_at) values (%(id)s, %(body)s, %(now)s)
on conflict (investigation_id) do nothing

-- name: world
-- What an investigation knew.
select body from aiops.world where investigation_id = %(id)s

-- name: note_content
-- A version at work, noted once.
insert into aiops.content_version (kind, name, version, sha256, seen_at)
values (%(kind)s, %(what)s, %(version)s, %(sha256)s, %(seen_at)s)
on conflict do nothing returning kind

-- name: new_content
-- What was first seen since a moment.
select * from aiops.content_version where seen_at >= %(since)s order by seen_at, kind, name

-- name: add_classifier
-- A training; of those that the clock asks for only the first of a quarter.
insert into aiops.classifier (quarter, trained_at, labels, shipped, scheduled, body)
values (%(quarter)s, %(trained_at)s, %(labels)s, %(shipped)s, %(scheduled)s, %(body)s)
on conflict (quarter) where scheduled do nothing returning id

-- name: classifiers
-- The newest trainings.
select * from aiops.classifier order by trained_at desc, id desc limit %(limit)s

-- name: classifier_in_use
-- The newest that was good enough.
select * from aiops.classifier where shipped order by trained_at desc, id desc limit 1
