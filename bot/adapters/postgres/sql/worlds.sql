-- Kept worlds. A line `-- name: …` starts a query.

-- name: worlds
-- Of the first concluded investigation of each incident that has a label.
select c.incident_id, w.investigation_id, w.kept_at, coalesce(m.took_ms, 0)::int as model_ms
from (
    select distinct on (v.incident_id) v.incident_id, v.id
    from aiops.investigation v where v.assessment is not null order by v.incident_id, v.number
) c
join aiops.world w on w.investigation_id = c.id
left join lateral (select sum(took_ms) as took_ms from aiops.model_call where investigation_id = c.id) m on true
where exists (select 1 from aiops.label o where o.incident_id = c.incident_id)
    and (%(since)s::timestamptz is null or w.kept_at >= %(since)s)
order by w.kept_at desc, w.investigation_id limit %(limit)s

-- name: world_of
-- The same of one incident, labelled or not.
select v.incident_id, w.investigation_id, w.kept_at, coalesce(m.took_ms, 0)::int as model_ms
from aiops.investigation v
join aiops.world w on w.investigation_id = v.id
left join lateral (select sum(took_ms) as took_ms from aiops.model_call where investigation_id = v.id) m on true
where v.incident_id = %(id)s and v.assessment is not null
order by v.number limit 1

-- name: tool_results
-- Every answer of one investigation's tools.
select tool, args, outcome, result_text, took_ms from aiops.tool_call where investigation_id = %(id)s order by id

-- name: rivals
-- Of the incidents with an established cause that a model answered: what it blamed, what the offline analyst blamed on the
-- same facts, and the label that stands.
select c.incident_id, c.assessment #> '{hypotheses,0}' as leader, w.body -> 'offline' as offline,
    w.body #> '{world,services}' as services, o.form
from (
    select distinct on (v.incident_id) v.incident_id, v.id, v.assessment
    from aiops.investigation v where v.assessment is not null order by v.incident_id, v.number
) c
join aiops.world w on w.investigation_id = c.id
join lateral (
    select form from aiops.outcome o where o.incident_id = c.incident_id order by o.version desc limit 1
) o on true
where c.assessment ->> 'analyst' <> %(offline)s and w.body ? 'offline' and w.kept_at >= %(since)s
    and coalesce((o.form ->> 'established')::boolean, true)
order by c.incident_id
