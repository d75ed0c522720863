-- Runs, their steps, approvals, and the kill switch. A line `-- name: …` starts a query.

-- name: add_run
-- The partial unique index keeps it to one at a time for an incident and a runbook.
insert into aiops.run (
    id, incident_id, runbook_id, runbook_sha256, runbook_source, title, requester, reason, environment, level,
    confidence, parameters, scope, due_at, created_at, deadline_at
)
select 'RUN-' || nextval('aiops.run_number'), i.id, %(runbook_id)s, %(runbook_sha256)s, %(runbook_source)s, %(title)s,
    %(requester)s, %(reason)s, %(environment)s, %(level)s, %(confidence)s, %(parameters)s, %(scope)s, %(now)s, %(now)s,
    %(deadline_at)s
from aiops.incident i
where i.id = %(incident_id)s and not exists (
    select 1 from aiops.run r
    where r.incident_id = i.id and r.runbook_id = %(runbook_id)s
      and r.state in ('planned', 'running', 'awaiting_approval', 'verifying')
)
on conflict do nothing
returning *

-- name: claim_run
-- One that is due and that nobody alive is at: neither by its lease, nor as this process knows of itself.
with due as (
    select r.id from aiops.run r
    where r.state in ('planned', 'running', 'awaiting_approval', 'verifying')
      and r.due_at <= %(now)s and (r.lease_until is null or r.lease_until <= %(now)s)
      and r.id <> all(%(held)s)
    order by r.due_at
    for update of r skip locked
    limit 1
)
update aiops.run r set
    owner = %(owner)s, lease_until = %(until)s, attempt = r.attempt + 1, started_at = coalesce(r.started_at, %(now)s)
from due where r.id = due.id
returning r.*

-- name: extend_run
-- Only while it is still ours.
update aiops.run set lease_until = %(until)s
where id = %(id)s and owner = %(owner)s and attempt = %(attempt)s and ended_at is null
returning id

-- name: change_run
-- Only while no other attempt has taken over. With a time to look again, it is let go.
update aiops.run set
    state = %(state)s::aiops.run_state,
    due_at = coalesce(%(due_at)s::timestamptz, due_at),
    lease_until = case when %(ended)s::boolean or %(due_at)s::timestamptz is not null then null else lease_until end,
    ended_at = case when %(ended)s::boolean then %(now)s::timestamptz end,
    why = case when %(why)s::text = '' then why else %(why)s::text end
where id = %(id)s and attempt = %(attempt)s and ended_at is null
returning id

-- name: run
-- One run.
select * from aiops.run where id = %(id)s

-- name: runs
-- Newest first.
select * from aiops.run
where (%(incident_id)s = '' or incident_id = %(incident_id)s) and (not %(only_open)s or ended_at is null)
order by created_at desc, id desc limit %(limit)s

-- name: stop_run
-- Obeyed before the next step.
update aiops.run set stopped_by = %(user)s, due_at = %(now)s where id = %(id)s and ended_at is null and stopped_by = ''
returning id

-- name: wake_run
-- Something changed for it.
update aiops.run set due_at = least(due_at, %(now)s) where id = %(id)s and ended_at is null

-- name: wake_runs_of_resolved
-- What waits for a verdict is withdrawn when its incident is over, unless something was changed already.
update aiops.run r set due_at = %(now)s
from aiops.incident i
where i.id = r.incident_id and i.state = 'resolved' and r.state = 'awaiting_approval' and r.due_at > %(now)s
  and not exists (
      select 1 from aiops.step_run s
      where s.run_id = r.id and s.effect <> 'read' and (s.called_at is not null or s.state in ('running', 'unknown'))
  )

-- name: step_runs
-- In the order they were begun.
select * from aiops.step_run where run_id = %(run_id)s order by number

-- name: add_step_run
-- The next number.
insert into aiops.step_run (run_id, number, step_id, rollback, effect, state, args, started_at, ended_at, why)
select %(run_id)s::text, coalesce(max(number), 0) + 1, %(step_id)s, %(rollback)s, %(effect)s, %(state)s::aiops.step_state, %(args)s::jsonb,
    case when %(state)s::aiops.step_state = 'running' then %(now)s::timestamptz end,
    case when %(state)s::aiops.step_state in ('skipped', 'failed') then %(now)s::timestamptz end, %(why)s::text
from aiops.step_run where run_id = %(run_id)s::text
returning *

-- name: change_step_run
-- Compare-and-set on the state it was read with.
update aiops.step_run set
    state = %(state)s::aiops.step_state,
    args = coalesce(%(args)s::jsonb, args),
    result = coalesce(%(result)s::jsonb, result),
    why = coalesce(%(why)s::text, why),
    "check" = coalesce(%(check)s::text, "check"),
    started_at = case when %(state)s::aiops.step_state = 'running' then coalesce(started_at, %(now)s::timestamptz) else started_at end,
    called_at = case when %(called)s::boolean then %(now)s::timestamptz else called_at end,
    ended_at = case when %(state)s::aiops.step_state in ('succeeded', 'failed', 'skipped') then %(now)s::timestamptz end
where run_id = %(run_id)s::text and number = %(number)s and state = %(from_state)s::aiops.step_state
returning number

-- name: add_approval
-- What is asked for; frozen by a trigger.
insert into aiops.approval (
    id, run_id, step_number, incident_id, envelope, sha256, dry_run, needed, expires_at, created_at
) values (
    %(id)s, %(run_id)s, %(step_number)s, %(incident_id)s, %(envelope)s, %(sha256)s, %(dry_run)s, %(needed)s,
    %(expires_at)s, %(now)s
)
returning *

-- name: approval
-- Locked, so that verdicts come one after the other.
select * from aiops.approval where id = %(id)s for update

-- name: approvals_of_run
-- Oldest first. All requests of a step but its last are superseded, so that replicas' clocks do not have to agree; what
-- its server asks comes after the request for the step itself, in the order it was asked.
select a.* from aiops.approval a left join aiops.elicitation e on e.approval_id = a.id
where a.run_id = %(run_id)s
order by a.step_number, a.state <> 'superseded' or e.number is not null, e.number nulls first, a.created_at, a.id

-- name: settle_approval
-- Decided exactly once: compare-and-set on the state it was read with.
update aiops.approval set
    state = %(state)s::aiops.approval_state, votes = %(votes)s, reason = case when %(reason)s::text = '' then reason else %(reason)s::text end,
    decided_by = case when %(state)s::aiops.approval_state in ('pending', 'used') then decided_by else %(by)s::text end,
    decided_at = case when %(state)s::aiops.approval_state in ('pending', 'used') then decided_at else %(now)s::timestamptz end
where id = %(id)s and state = %(from_state)s::aiops.approval_state and votes = %(from_votes)s
returning id

-- name: add_elicitation
-- The approval it belongs to has been written in the same transaction.
insert into aiops.elicitation (approval_id, run_id, step_number, held, request_state, keys)
values (%(approval_id)s, %(run_id)s, %(step_number)s, %(held)s, %(request_state)s, %(keys)s)

-- name: elicitation
-- One question of a server.
select * from aiops.elicitation where approval_id = %(approval_id)s

-- name: elicitations
-- In the order they were asked.
select * from aiops.elicitation where run_id = %(run_id)s order by number

-- name: answer_elicitation
-- What an approver entered; a trigger refuses it once the server has been told.
update aiops.elicitation set answer = %(answer)s where approval_id = %(approval_id)s

-- name: tell_elicitation
-- Written down before the server is told, and once.
update aiops.elicitation set told = %(told)s, told_at = %(now)s where approval_id = %(approval_id)s and told = ''
returning approval_id

-- name: pending_approvals
-- For the Home tab and for expiry.
select * from aiops.approval where state = 'pending' order by created_at, id

-- name: due_approvals
-- Past their time.
select * from aiops.approval where state = 'pending' and expires_at <= %(now)s order by expires_at for update skip locked

-- name: move_incident
-- Where the transition table allows it.
update aiops.incident i set state = %(state)s::aiops.incident_state
where i.id = %(id)s and exists (
    select 1 from aiops.incident_transition t
    where t.from_state = i.state and t.to_state = %(state)s::aiops.incident_state
)
returning i.id

-- name: pause
-- The kill switch.
select * from aiops.switch where name = 'writes' and paused

-- name: hold_switch
-- Many writes may begin at once, but none while the switch is being turned.
select pg_advisory_xact_lock_shared(hashtext('aiops.switch'))

-- name: take_switch
-- Waits for the writes that are just being written down as begun.
select pg_advisory_xact_lock(hashtext('aiops.switch'))

-- name: set_pause
-- Nothing when it was so already.
insert into aiops.switch (name, paused, by_user, reason, at) values ('writes', %(paused)s, %(user)s, %(reason)s, %(now)s)
on conflict (name) do update set paused = excluded.paused, by_user = excluded.by_user, reason = excluded.reason,
    at = excluded.at
where switch.paused is distinct from excluded.paused
returning name

-- name: put_announcement
-- A message to a channel that belongs to no incident.
insert into aiops.post (operation, kind, is_parent, channel, thread_ts, content, due_at, created_at)
values (
    %(operation)s, %(kind)s, %(thread_ts)s::text is null, %(channel)s, %(thread_ts)s, %(content)s, %(now)s, %(now)s
)
on conflict (operation) do nothing returning operation

-- name: pin_tool
-- Accepted at first sight, unless another server that may offer it was first; a later change is for a person.
insert into aiops.tool_pin (server, tool, sha256, described, accepted_by, accepted_at)
select %(server)s, %(tool)s, %(sha256)s, %(described)s, %(by)s, now()
where not exists (select 1 from aiops.tool_pin p where p.tool = %(tool)s and p.server = any(%(rivals)s::text[]))
on conflict (server, tool) do nothing

-- name: pins
-- What was accepted of one server.
select * from aiops.tool_pin where server = %(server)s order by tool

-- name: announcement
-- Whether it has been said.
select operation from aiops.post where operation = %(operation)s

-- name: lock_runs
-- Before counting, in a statement of its own: one that waits for the lock counts with a picture from before it had it.
select pg_advisory_xact_lock(hashtext('aiops.runs'))

-- name: count_runs
-- For the limit per hour.
select count(*) as count from aiops.run where created_at > %(since)s

-- name: accept_tool
-- A person has looked at it.
insert into aiops.tool_pin (server, tool, sha256, described, accepted_by, accepted_at)
values (%(server)s, %(tool)s, %(sha256)s, %(described)s, %(by)s, now())
on conflict (server, tool) do update set sha256 = excluded.sha256, described = excluded.described,
    accepted_by = excluded.accepted_by, accepted_at = excluded.accepted_at
