-- The audit log as a chain: each row is sealed, as its transaction commits, with a hash over itself and the seal before.

create table aiops.audit_seal (
    place bigint primary key,
    audit_id bigint not null unique references aiops.aiops_audit,
    prev_hash text not null,
    hash text not null
);

-- What is hashed: one JSON array, in PostgreSQL's own canonical spelling.
create function aiops.audit_payload(entry aiops.aiops_audit) returns text language sql stable as $$
    select jsonb_build_array(
        entry.id, to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.actor, entry.action,
        entry.target, entry.detail
    )::text
$$;

-- Runs at commit (a deferred trigger), so the lock is the last that a transaction takes and is held for a moment only.
create function aiops.seal_audit() returns trigger language plpgsql security definer
set search_path = pg_catalog, aiops
as $$
begin
    perform pg_advisory_xact_lock(hashtext('aiops.audit'));
    insert into aiops.audit_seal (place, audit_id, prev_hash, hash)
    select h.place + 1, new.id, h.hash, encode(sha256(convert_to(h.hash || aiops.audit_payload(new), 'UTF8')), 'hex')
    from (
        select coalesce(max(s.place), 0) as place,
            coalesce((array_agg(s.hash))[1], repeat('0', 64)) as hash
        from (select place, hash from aiops.audit_seal order by place desc limit 1) s
    ) h;
    return null;
end $$;
create constraint trigger aiops_audit_seal after insert on aiops.aiops_audit
    deferrable initially deferred for each row execute function aiops.seal_audit();

create function aiops.refuse_seal_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit_seal is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_seal_append_only before update or delete or truncate on aiops.audit_seal
    for each statement execute function aiops.refuse_seal_change();

-- Rows from before there was a chain are sealed in the order they were written.
do $$
declare
    entry aiops.aiops_audit;
    head text := repeat('0', 64);
    place bigint := 0;
begin
    for entry in select * from aiops.aiops_audit order by id loop
        place := place + 1;
        insert into aiops.audit_seal (place, audit_id, prev_hash, hash) values (
            place, entry.id, head, encode(sha256(convert_to(head || aiops.audit_payload(entry), 'UTF8')), 'hex')
        );
        select s.hash into head from aiops.audit_seal s where s.audit_id = entry.id;
    end loop;
end $$;

-- How far the log has been shipped, by destination.
create table aiops.audit_cursor (
    name text primary key,
    place bigint not null
);

-- The bot works as this role: it may add to the audit log and read it, and nothing else. Where the owner of the
-- database may not make roles, the triggers above are all there is, and `aiops doctor` says so.
do $$
begin
    begin
        create role aiops_bot nologin;
    exception
        when duplicate_object or unique_violation or insufficient_privilege then null;
    end;
    if exists (select 1 from pg_roles where rolname = 'aiops_bot') then
        begin
            execute format('grant aiops_bot to %I', current_user);
        exception
            when insufficient_privilege or invalid_grant_operation then null;
        end;
        grant usage on schema aiops, public to aiops_bot;
        grant usage, create on schema aiops_checkpoint to aiops_bot;
        grant select, insert, update, delete on all tables in schema aiops to aiops_bot;
        grant select, insert, update, delete on all tables in schema aiops_checkpoint to aiops_bot;
        grant usage, select on all sequences in schema aiops to aiops_bot;
        grant execute on all functions in schema aiops to aiops_bot;
        alter default privileges in schema aiops grant select, insert, update, delete on tables to aiops_bot;
        alter default privileges in schema aiops grant usage, select on sequences to aiops_bot;
        revoke update, delete, truncate on aiops.aiops_audit from aiops_bot;
        revoke insert, update, delete, truncate on aiops.audit_seal from aiops_bot;
        revoke insert, update, delete, truncate on aiops.schema_migration from aiops_bot;
    end if;
end $$;
