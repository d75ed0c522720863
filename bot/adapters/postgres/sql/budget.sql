-- The ledger of model calls. A line `-- name: …` starts a query.

-- name: lock_budget
-- One reservation at a time, or two processes could both take the last of it.
select pg_advisory_xact_lock(hashtext('aiops.budget'))

-- name: budget_spent
-- Settled and reserved alike: what a dead process reserved may have been spent. Replays are experiments of their own:
-- they draw on their own agent's day, and take nothing from what an incident may cost.
select
    coalesce(sum(tokens) filter (where incident_id = %(incident_id)s and agent <> 'replay'), 0)::bigint as incident_tokens,
    coalesce(sum(cost_usd) filter (where incident_id = %(incident_id)s and agent <> 'replay'), 0)::double precision as incident_cost_usd,
    coalesce(sum(tokens) filter (where agent = %(agent)s and at >= %(day)s), 0)::bigint as agent_tokens_today
from aiops.budget_entry
where incident_id = %(incident_id)s or (agent = %(agent)s and at >= %(day)s)

-- name: reserve_budget
-- An estimate, until the call is over.
insert into aiops.budget_entry (agent, incident_id, at, tokens, cost_usd)
values (%(agent)s, %(incident_id)s, %(now)s, %(tokens)s, %(cost_usd)s)
returning id

-- name: settle_budget
-- What it really was.
update aiops.budget_entry set tokens = %(tokens)s, cost_usd = %(cost_usd)s, settled = true
where id = %(id)s and not settled
