-- The audit log: reading, walking the chain, shipping. A line `-- name: …` starts a query.

-- name: audit_tail
-- The newest entries, newest first.
select a.id, a.at, a.actor, a.action, a.target, a.detail, s.hash
from aiops.aiops_audit a left join aiops.audit_seal s on s.audit_id = a.id
where (%(target)s::text = '' or a.target = %(target)s or a.detail ->> 'run' = %(target)s)
  and (%(action)s::text = '' or a.action = %(action)s or a.action like %(action)s || '.%%')
order by a.id desc limit %(limit)s

-- name: audit_walk
-- A stretch of the chain with what its hashes were made of.
select s.place, s.audit_id, s.prev_hash, s.hash, aiops.audit_payload(a) as payload
from aiops.audit_seal s left join aiops.aiops_audit a on a.id = s.audit_id
where s.place > %(after)s order by s.place limit %(limit)s

-- name: audit_unsealed
-- Entries outside the chain: there are none unless somebody switched the trigger off.
select a.id from aiops.aiops_audit a left join aiops.audit_seal s on s.audit_id = a.id
where s.audit_id is null order by a.id limit 1

-- name: audit_head
-- The newest seal.
select place, hash from aiops.audit_seal order by place desc limit 1

-- name: audit_link
-- One seal.
select place, hash from aiops.audit_seal where place = %(place)s

-- name: audit_began
-- The first entry.
select at from aiops.aiops_audit order by id limit 1

-- name: audit_cursor
-- How far a destination has got; locked, so that one process ships at a time.
select place from aiops.audit_cursor where name = %(destination)s for update skip locked

-- name: start_audit_cursor
-- A new destination begins at the beginning.
insert into aiops.audit_cursor (name, place) values (%(destination)s, 0) on conflict (name) do nothing

-- name: move_audit_cursor
-- Taken up to here.
update aiops.audit_cursor set place = %(place)s where name = %(destination)s

-- name: audit_entries
-- The next entries for a destination, in the order of the chain.
-- The incident is that of the run or the investigation; a message's name begins with it.
select s.place, s.hash, a.id, a.at, a.actor, a.action, a.target, a.detail,
    coalesce(r.incident_id, i.incident_id, substring(a.target from '^INC-[0-9]+'), '') as incident
from aiops.audit_seal s join aiops.aiops_audit a on a.id = s.audit_id
left join aiops.run r on r.id = a.target
left join aiops.investigation i on i.id = a.target
where s.place > %(after)s order by s.place limit %(limit)s

-- name: act_as_bot_if_member
-- From here on this connection can only add to the audit log. Without the role it stays what it is.
select set_config('role', 'aiops_bot', false)
from pg_roles where rolname = 'aiops_bot' and pg_has_role(session_user, oid, 'member')

-- name: acting_role
-- As whom this connection works, and whether the audit log is out of its reach.
select current_user::text as role, not has_table_privilege('aiops.aiops_audit', 'update') as audit_is_safe
