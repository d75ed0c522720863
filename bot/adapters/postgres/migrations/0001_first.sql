-- Everything the bot keeps. Tables are the truth; jobs are wake-ups.

create type aiops.incident_state as enum (
    'received', 'investigating', 'awaiting_approval', 'remediating', 'verifying', 'resolved', 'escalated'
);
create type aiops.investigation_state as enum ('queued', 'running', 'done', 'cancelled', 'failed');
create type aiops.post_state as enum ('waiting', 'sending', 'sent', 'refused');

-- Which state may follow which. A trigger refuses the others; bot/core/incident.py holds the same pairs.
create table aiops.incident_transition (
    from_state aiops.incident_state not null,
    to_state aiops.incident_state not null,
    primary key (from_state, to_state)
);
insert into aiops.incident_transition values
    ('received', 'investigating'),
    ('received', 'resolved'),
    ('investigating', 'awaiting_approval'),
    ('investigating', 'resolved'),
    ('investigating', 'escalated'),
    ('awaiting_approval', 'remediating'),
    ('awaiting_approval', 'investigating'),
    ('awaiting_approval', 'resolved'),
    ('awaiting_approval', 'escalated'),
    ('remediating', 'verifying'),
    ('remediating', 'escalated'),
    ('verifying', 'resolved'),
    ('verifying', 'investigating'),
    ('verifying', 'escalated'),
    ('escalated', 'resolved'),
    ('escalated', 'investigating');

create table aiops.investigation_transition (
    from_state aiops.investigation_state not null,
    to_state aiops.investigation_state not null,
    primary key (from_state, to_state)
);
insert into aiops.investigation_transition values
    ('queued', 'running'),
    ('queued', 'cancelled'),
    ('running', 'done'),
    ('running', 'failed'),
    ('running', 'queued');

create sequence aiops.incident_number;

create table aiops.incident (
    id text primary key,
    state aiops.incident_state not null default 'received',
    title text not null,
    severity text not null,
    service text not null,
    environment text not null,
    group_key text not null,
    trigger text not null,
    requested_by text not null default '',
    request_text text not null default '',
    started_at timestamptz not null,
    opened_at timestamptz not null,
    resolved_at timestamptz,
    channel text not null,
    thread_ts text,
    forwarded boolean not null default false,
    alert_count integer not null default 0,
    firing_count integer not null default 0,
    alert_names text[] not null default '{}',
    forwarded_names text[] not null default '{}',
    deliveries integer not null default 0,
    truncated integer not null default 0
);
create index incident_open on aiops.incident (opened_at) where state <> 'resolved';
create index incident_thread on aiops.incident (channel, thread_ts);
create index incident_started on aiops.incident (started_at);

create table aiops.incident_history (
    id bigint generated always as identity primary key,
    incident_id text not null references aiops.incident,
    from_state aiops.incident_state,
    to_state aiops.incident_state not null,
    at timestamptz not null default clock_timestamp()
);
create index incident_history_incident on aiops.incident_history (incident_id);

create function aiops.check_incident_state() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.state = new.state then
            return new;
        end if;
        if not exists (
            select 1 from aiops.incident_transition t where t.from_state = old.state and t.to_state = new.state
        ) then
            raise exception 'incident % cannot go from % to %', new.id, old.state, new.state using errcode = 'check_violation';
        end if;
        insert into aiops.incident_history (incident_id, from_state, to_state) values (new.id, old.state, new.state);
    else
        insert into aiops.incident_history (incident_id, to_state) values (new.id, new.state);
    end if;
    return new;
end $$;
create trigger incident_state after insert or update of state on aiops.incident
    for each row execute function aiops.check_incident_state();

create table aiops.alert (
    fingerprint text not null,
    starts_at timestamptz not null,
    incident_id text references aiops.incident,
    source text not null,
    name text not null,
    status text not null,
    severity text not null,
    service text not null,
    environment text not null,
    summary text not null,
    labels jsonb not null,
    annotations jsonb not null,
    ends_at timestamptz,
    generator_url text not null default '',
    deliveries integer not null default 1,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    primary key (fingerprint, starts_at)
);
create index alert_incident on aiops.alert (incident_id, first_seen_at);
-- With the fingerprint, because in a storm thousands of alerts share one start.
create index alert_starts on aiops.alert (starts_at, fingerprint);

create table aiops.delivery (
    id bigint generated always as identity primary key,
    source text not null,
    group_key text not null,
    receiver text not null,
    external_url text not null,
    alerts integer not null,
    truncated integer not null,
    incident_ids text[] not null,
    received_at timestamptz not null
);
create index delivery_received on aiops.delivery (received_at);

create table aiops.quarantine (
    id bigint generated always as identity primary key,
    source text not null,
    reason text not null,
    body bytea not null,
    received_at timestamptz not null
);

create table aiops.investigation (
    id text primary key,
    incident_id text not null references aiops.incident,
    number integer not null,
    state aiops.investigation_state not null default 'queued',
    trigger text not null,
    due_at timestamptz not null,
    owner text,
    lease_until timestamptz,
    attempt integer not null default 0,
    started_at timestamptz,
    evidence_at timestamptz,
    finished_at timestamptz,
    gather_ms integer,
    window_start timestamptz,
    window_end timestamptz,
    gaps jsonb not null default '[]',
    assessment jsonb,
    unique (incident_id, number)
);
create unique index investigation_one_at_a_time on aiops.investigation (incident_id) where state in ('queued', 'running');
create index investigation_due on aiops.investigation (due_at) where state in ('queued', 'running');

create function aiops.check_investigation() returns trigger language plpgsql as $$
begin
    if old.state <> new.state and not exists (
        select 1 from aiops.investigation_transition t where t.from_state = old.state and t.to_state = new.state
    ) then
        raise exception 'investigation % cannot go from % to %', new.id, old.state, new.state
            using errcode = 'check_violation';
    end if;
    if old.assessment is not null and new.assessment is distinct from old.assessment then
        raise exception 'the assessment of investigation % is frozen', new.id using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger investigation_state before update on aiops.investigation
    for each row execute function aiops.check_investigation();

create table aiops.evidence (
    investigation_id text not null references aiops.investigation,
    id text not null,
    place integer not null,
    body jsonb not null,
    primary key (investigation_id, id)
);

create table aiops.model_call (
    id bigint generated always as identity primary key,
    investigation_id text not null references aiops.investigation,
    at timestamptz not null default clock_timestamp(),
    purpose text not null,
    prompt_name text not null,
    prompt_version integer not null,
    prompt_sha256 text not null,
    model text not null,
    outcome text not null,
    tokens integer not null,
    cost_usd double precision not null,
    steps integer not null,
    took_ms integer not null
);
create index model_call_investigation on aiops.model_call (investigation_id);

create table aiops.tool_call (
    id bigint generated always as identity primary key,
    investigation_id text not null references aiops.investigation,
    at timestamptz not null default clock_timestamp(),
    tool text not null,
    args jsonb not null,
    outcome text not null,
    result_text text not null,
    took_ms integer not null
);
create index tool_call_investigation on aiops.tool_call (investigation_id);

-- The outbox. A row says how a message should read now (version); the sender makes Slack say so (sent_version).
create table aiops.post (
    operation text primary key,
    place bigint generated always as identity,
    incident_id text not null references aiops.incident,
    kind text not null,
    is_parent boolean not null default false,
    channel text,
    thread_ts text,
    ts text,
    content jsonb,
    version integer not null default 1,
    sent_version integer not null default 0,
    state aiops.post_state not null default 'waiting',
    due_at timestamptz not null,
    owner text,
    lease_until timestamptz,
    attempts integer not null default 0,
    doubtful boolean not null default false,
    why text not null default '',
    created_at timestamptz not null,
    sent_at timestamptz,
    first_sent_at timestamptz
);
create index post_due on aiops.post (due_at, place) where sent_version < version and state <> 'refused';
create index post_incident on aiops.post (incident_id, place);

create table aiops.slack_inbox (
    event_id text primary key,
    kind text not null,
    body jsonb not null,
    received_at timestamptz not null,
    due_at timestamptz not null,
    lease_until timestamptz,
    attempts integer not null default 0,
    done_at timestamptz,
    why text not null default ''
);
create index slack_inbox_due on aiops.slack_inbox (due_at) where done_at is null;

create table aiops.slack_channel (
    channel text primary key,
    last_seen_ts text not null
);

create table aiops.postmortem (
    id text primary key,
    body jsonb not null,
    sha256 text not null,
    model text not null,
    indexed_at timestamptz not null default clock_timestamp()
);
create table aiops.postmortem_vector (
    postmortem_id text not null references aiops.postmortem on delete cascade,
    section text not null,
    embedding public.vector(384) not null,
    primary key (postmortem_id, section)
);

-- Append-only: who did what to which thing.
create table aiops.aiops_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    target text not null,
    detail jsonb not null
);
create index aiops_audit_target on aiops.aiops_audit (target, id);

create function aiops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'aiops_audit is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger aiops_audit_append_only before update or delete or truncate on aiops.aiops_audit
    for each statement execute function aiops.refuse_change();

-- Intake in two round trips: read under the lock, then write.
create function aiops.read_intake(keys jsonb, fingerprints text[], since timestamptz, fresh integer)
returns jsonb language plpgsql
-- Planned once, because planning it costs more than running it; and then the tables may still be empty, for which the
-- planner would read them whole. So each look-up is lateral with a limit, and has to use its index.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    result jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('aiops.intake'));
    select jsonb_build_object(
        'known', coalesce((
            select jsonb_agg(jsonb_build_array(k.fingerprint, k.starts_at, k.incident_id, k.status)) from (
                select a.* from jsonb_to_recordset(keys) as k (fingerprint text, starts_at timestamptz)
                cross join lateral (
                    select a.fingerprint, a.starts_at, a.incident_id, a.status from aiops.alert a
                    where a.fingerprint = k.fingerprint and a.starts_at = k.starts_at limit 1
                ) a
                union
                select a.* from unnest(fingerprints) as f (fingerprint)
                cross join lateral (
                    select a.fingerprint, a.starts_at, a.incident_id, a.status from aiops.alert a
                    where a.fingerprint = f.fingerprint and a.status = 'firing' order by a.starts_at desc limit 1
                ) a
            ) k
        ), '[]'),
        'incidents', coalesce((
            select jsonb_agg(jsonb_build_array(
                i.id, i.group_key, i.service, i.environment, i.title, i.severity, i.opened_at, i.started_at,
                i.firing_count, i.alert_names, i.forwarded_names, case when i.forwarded then i.channel end,
                case when i.forwarded then i.thread_ts end, i.forwarded, p.posted
            ))
            from aiops.incident i
            left join lateral (
                select p.state = 'sending' or p.ts is not null as posted from aiops.post p
                where p.operation = i.id || ':alert' limit 1
            ) p on true
            where i.state <> 'resolved' and i.opened_at >= since
        ), '[]'),
        -- Only looked at here: apply_intake takes as many as it opened, so people see numbers without holes.
        'ids', (
            select jsonb_agg('INC-' || n.last_value + n.is_called::int + g)
            from aiops.incident_number n, generate_series(0, fresh - 1) as g
        ),
        'firing', coalesce((
            select jsonb_object_agg(f.fingerprint, a.starts_at) from unnest(fingerprints) as f (fingerprint)
            cross join lateral (
                select a.starts_at from aiops.alert a
                where a.fingerprint = f.fingerprint and a.status = 'firing' order by a.starts_at desc limit 1
            ) a
        ), '{}')
    ) into result;
    return result;
end $$;

create function aiops.apply_intake(plan jsonb, now timestamptz) returns void language plpgsql
set plan_cache_mode = force_generic_plan
as $$
begin
    if jsonb_array_length(plan -> 'opened') > 0 then
        perform nextval('aiops.incident_number') from jsonb_array_elements(plan -> 'opened');
        insert into aiops.incident (
            id, title, severity, service, environment, group_key, trigger, requested_by, request_text,
            started_at, opened_at, channel, thread_ts, forwarded
        )
        select o.id, o.title, o.severity, o.service, o.environment, o.group_key, o.trigger, o.requested_by, o.request_text,
            o.started_at, now, o.channel, o.thread_ts, o.forwarded
        from jsonb_to_recordset(plan -> 'opened') as o (
            id text, title text, severity text, service text, environment text, group_key text, trigger text,
            requested_by text, request_text text, started_at timestamptz, channel text, thread_ts text, forwarded boolean
        );
    end if;

    insert into aiops.alert (
        fingerprint, starts_at, incident_id, source, name, status, severity, service, environment, summary, labels,
        annotations, ends_at, generator_url, deliveries, first_seen_at, last_seen_at
    )
    select a.fingerprint, a.starts_at, a.incident_id, a.source, a.name, a.status, a.severity, a.service, a.environment,
        a.summary, a.labels, a.annotations, a.ends_at, a.generator_url, a.times, now, now
    from jsonb_to_recordset(plan -> 'alerts') as a (
        fingerprint text, starts_at timestamptz, incident_id text, source text, name text, status text, severity text,
        service text, environment text, summary text, labels jsonb, annotations jsonb, ends_at timestamptz,
        generator_url text, times integer
    )
    on conflict (fingerprint, starts_at) do update set
        incident_id = coalesce(alert.incident_id, excluded.incident_id),
        status = excluded.status, severity = excluded.severity, summary = excluded.summary, labels = excluded.labels,
        annotations = excluded.annotations, ends_at = excluded.ends_at, deliveries = alert.deliveries + excluded.deliveries,
        last_seen_at = excluded.last_seen_at;

    if jsonb_array_length(plan -> 'superseded') > 0 then
    update aiops.alert a set status = 'resolved', ends_at = now
        from jsonb_to_recordset(plan -> 'superseded') as s (incident_id text, name text)
        where a.incident_id = s.incident_id and a.name = s.name and a.source = 'slack' and a.status = 'firing';
    end if;

    update aiops.incident i set
        severity = t.severity, alert_count = i.alert_count + t.added, firing_count = t.firing,
        alert_names = t.alert_names, forwarded_names = t.forwarded_names,
        deliveries = i.deliveries + t.deliveries, truncated = i.truncated + t.truncated
    from jsonb_to_recordset(plan -> 'touched') as t (
        id text, severity text, added integer, firing integer, alert_names text[], forwarded_names text[],
        deliveries integer, truncated integer
    )
    where i.id = t.id;

    if jsonb_array_length(plan -> 'anchored') > 0 then
    update aiops.incident i set channel = a.channel, thread_ts = a.ts, forwarded = true
        from jsonb_to_recordset(plan -> 'anchored') as a (id text, channel text, ts text)
        where i.id = a.id and i.thread_ts is null;
        delete from aiops.post p using jsonb_to_recordset(plan -> 'anchored') as a (id text)
        where p.operation = a.id || ':alert' and p.state = 'waiting';
    end if;

    if jsonb_array_length(plan -> 'opened') > 0 then
    insert into aiops.investigation (id, incident_id, number, trigger, due_at)
        select o.id || '.1', o.id, 1, o.trigger, now + make_interval(secs => (plan ->> 'settle_s')::double precision)
        from jsonb_to_recordset(plan -> 'opened') as o (id text, trigger text);

        insert into aiops.post (operation, incident_id, kind, is_parent, due_at, created_at)
        select o.id || ':alert', o.id, 'alert', true,
            now + make_interval(secs => (plan ->> 'hold_card_s')::double precision), now
        from jsonb_to_recordset(plan -> 'opened') as o (id text, thread_ts text)
        where o.thread_ts is null;
    end if;

    -- Edits of a card that is in Slack already are held back, so that a storm costs one edit every few seconds.
    update aiops.post p set version = p.version + 1, due_at = greatest(p.due_at, now + interval '3 seconds')
    from jsonb_to_recordset(plan -> 'changed') as t (id text)
    where p.operation = t.id || ':alert' and p.ts is not null;

    if jsonb_array_length(plan -> 'resolved') > 0 then
    update aiops.incident i set state = 'resolved', resolved_at = now
        from jsonb_array_elements_text(plan -> 'resolved') as r (id)
        where i.id = r.id and i.state <> 'resolved';
        update aiops.investigation v set state = 'cancelled', finished_at = now
        from jsonb_array_elements_text(plan -> 'resolved') as r (id)
        where v.incident_id = r.id and v.state = 'queued';
    end if;

    if jsonb_array_length(plan -> 'notices') > 0 then
    insert into aiops.post (operation, incident_id, kind, channel, thread_ts, content, due_at, created_at)
        select n.operation, n.incident_id, 'result', n.channel, n.thread_ts, n.content, now, now
        from jsonb_to_recordset(plan -> 'notices') as n (
            operation text, incident_id text, channel text, thread_ts text, content jsonb
        )
        on conflict (operation) do nothing;
    end if;

    insert into aiops.delivery (source, group_key, receiver, external_url, alerts, truncated, incident_ids, received_at)
    select d.source, d.group_key, d.receiver, d.external_url, d.alerts, d.truncated, d.incident_ids, now
    from jsonb_to_recordset(plan -> 'deliveries') as d (
        source text, group_key text, receiver text, external_url text, alerts integer, truncated integer,
        incident_ids text[]
    );

    insert into aiops.aiops_audit (at, actor, action, target, detail)
    select now, e.actor, e.action, e.target, e.detail
    from jsonb_to_recordset(plan -> 'audit') as e (actor text, action text, target text, detail jsonb);
end $$;
