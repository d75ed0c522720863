-- Following runbooks: runs, their steps, approvals, and the kill switch.

-- An alert may resolve at any moment, and a person may start a runbook after the bot gave up.
insert into aiops.incident_transition values
    ('investigating', 'remediating'),
    ('remediating', 'investigating'),
    ('remediating', 'resolved'),
    ('verifying', 'awaiting_approval'),
    ('escalated', 'awaiting_approval');

create type aiops.run_state as enum (
    'planned', 'running', 'awaiting_approval', 'verifying', 'succeeded', 'failed', 'stopped', 'expired'
);
create type aiops.step_state as enum ('queued', 'running', 'succeeded', 'failed', 'skipped', 'unknown');
create type aiops.approval_state as enum (
    'pending', 'approved', 'rejected', 'expired', 'superseded', 'withdrawn', 'used'
);

create table aiops.run_transition (
    from_state aiops.run_state not null,
    to_state aiops.run_state not null,
    primary key (from_state, to_state)
);
insert into aiops.run_transition values
    ('planned', 'running'),
    ('planned', 'failed'),
    ('planned', 'stopped'),
    ('planned', 'expired'),
    ('running', 'awaiting_approval'),
    ('running', 'verifying'),
    ('running', 'succeeded'),
    ('running', 'failed'),
    ('running', 'stopped'),
    ('running', 'expired'),
    ('awaiting_approval', 'running'),
    ('awaiting_approval', 'failed'),
    ('awaiting_approval', 'stopped'),
    ('awaiting_approval', 'expired'),
    ('verifying', 'running'),
    ('verifying', 'awaiting_approval'),
    ('verifying', 'succeeded'),
    ('verifying', 'failed'),
    ('verifying', 'stopped'),
    ('verifying', 'expired');

create table aiops.step_transition (
    from_state aiops.step_state not null,
    to_state aiops.step_state not null,
    primary key (from_state, to_state)
);
insert into aiops.step_transition values
    ('queued', 'running'),
    ('queued', 'skipped'),
    ('queued', 'failed'),
    ('running', 'succeeded'),
    ('running', 'failed'),
    ('running', 'unknown'),
    ('unknown', 'succeeded'),
    ('unknown', 'failed');

create table aiops.approval_transition (
    from_state aiops.approval_state not null,
    to_state aiops.approval_state not null,
    primary key (from_state, to_state)
);
insert into aiops.approval_transition values
    ('pending', 'approved'),
    ('pending', 'rejected'),
    ('pending', 'expired'),
    ('pending', 'superseded'),
    ('pending', 'withdrawn'),
    ('approved', 'used'),
    ('approved', 'expired'),
    ('approved', 'superseded'),
    ('approved', 'withdrawn');

create sequence aiops.run_number;

create table aiops.run (
    id text primary key,
    incident_id text not null references aiops.incident,
    runbook_id text not null,
    runbook_sha256 text not null,
    runbook_source text not null,
    title text not null,
    state aiops.run_state not null default 'planned',
    requester text not null,
    reason text not null,
    environment text not null,
    level text not null,
    confidence double precision not null,
    parameters jsonb not null,
    scope jsonb not null,
    due_at timestamptz not null,
    owner text,
    lease_until timestamptz,
    attempt integer not null default 0,
    created_at timestamptz not null,
    deadline_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    stopped_by text not null default '',
    why text not null default ''
);
-- One runbook follows an incident once at a time.
create unique index run_one_at_a_time on aiops.run (incident_id, runbook_id)
    where state in ('planned', 'running', 'awaiting_approval', 'verifying');
create index run_due on aiops.run (due_at) where state in ('planned', 'running', 'awaiting_approval', 'verifying');
create index run_incident on aiops.run (incident_id, created_at);

create table aiops.step_run (
    run_id text not null references aiops.run,
    number integer not null,
    step_id text not null,
    rollback boolean not null,
    effect text not null,
    state aiops.step_state not null default 'queued',
    args jsonb not null default '{}',
    result jsonb,
    why text not null default '',
    "check" text not null default '',
    started_at timestamptz,
    called_at timestamptz,
    ended_at timestamptz,
    primary key (run_id, number)
);
-- A step, and its rollback, have one turn each.
create unique index step_run_once on aiops.step_run (run_id, step_id, rollback);

create table aiops.approval (
    id text primary key,
    run_id text not null,
    step_number integer not null,
    incident_id text not null references aiops.incident,
    envelope jsonb not null,
    sha256 text not null,
    dry_run jsonb not null,
    state aiops.approval_state not null default 'pending',
    needed integer not null check (needed between 1 and 2),
    votes jsonb not null default '[]',
    expires_at timestamptz not null,
    created_at timestamptz not null,
    decided_by text not null default '',
    decided_at timestamptz,
    reason text not null default '',
    foreign key (run_id, step_number) references aiops.step_run (run_id, number)
);
-- At most one request of a step is open.
create unique index approval_one_open on aiops.approval (run_id, step_number) where state in ('pending', 'approved');
create index approval_pending on aiops.approval (expires_at) where state = 'pending';

create table aiops.state_history (
    id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    from_state text,
    to_state text not null,
    at timestamptz not null default clock_timestamp()
);
create index state_history_subject on aiops.state_history (kind, subject, id);

-- One function for three machines: refuses what the transition table does not hold, and writes history.
create function aiops.check_state() returns trigger language plpgsql as $$
declare
    kind text := tg_argv[0];
    subject text := case tg_argv[0] when 'step' then to_jsonb(new) ->> 'run_id' || ':' || (to_jsonb(new) ->> 'number')
        else to_jsonb(new) ->> 'id' end;
    allowed boolean;
begin
    if tg_op = 'UPDATE' then
        if old.state = new.state then
            return new;
        end if;
        execute format(
            'select exists (select 1 from aiops.%I where from_state = $1 and to_state = $2)', kind || '_transition'
        ) into allowed using old.state, new.state;
        if not allowed then
            raise exception '% % cannot go from % to %', kind, subject, old.state, new.state
                using errcode = 'check_violation';
        end if;
        insert into aiops.state_history (kind, subject, from_state, to_state)
        values (kind, subject, old.state::text, new.state::text);
    else
        insert into aiops.state_history (kind, subject, to_state) values (kind, subject, new.state::text);
    end if;
    return new;
end $$;
create trigger run_state after insert or update of state on aiops.run
    for each row execute function aiops.check_state('run');
create trigger step_state after insert or update of state on aiops.step_run
    for each row execute function aiops.check_state('step');
create trigger approval_state after insert or update of state on aiops.approval
    for each row execute function aiops.check_state('approval');

-- What was asked for never changes; only the verdict does.
create function aiops.freeze_approval() returns trigger language plpgsql as $$
begin
    if (new.envelope, new.sha256, new.dry_run, new.needed, new.run_id, new.step_number, new.expires_at)
        is distinct from
       (old.envelope, old.sha256, old.dry_run, old.needed, old.run_id, old.step_number, old.expires_at) then
        raise exception 'what approval % asks for is frozen', old.id using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger approval_frozen before update on aiops.approval
    for each row execute function aiops.freeze_approval();

-- The kill switch: one row, so every replica obeys at its next look.
create table aiops.switch (
    name text primary key,
    paused boolean not null,
    by_user text not null,
    reason text not null,
    at timestamptz not null
);

-- Tools as a person last accepted them.
create table aiops.tool_pin (
    server text not null,
    tool text not null,
    sha256 text not null,
    described jsonb not null,
    accepted_by text not null,
    accepted_at timestamptz not null,
    primary key (server, tool)
);

-- Announcements to a channel belong to no incident.
alter table aiops.post alter column incident_id drop not null;
