-- What really was wrong, and what is learned from it.

-- Which runbook was matched, and the class of alert that autonomy is earned for.
alter table aiops.investigation add column runbook text not null default '';
alter table aiops.investigation add column alert_class text not null default '';

-- One row per version of a label: corrections add, nothing is overwritten.
create table aiops.outcome (
    incident_id text not null references aiops.incident,
    version integer not null check (version > 0),
    form jsonb not null,
    author text not null,
    source text not null,
    recorded_at timestamptz not null,
    channel text,
    message_ts text,
    permalink text not null default '',
    message_deleted_at timestamptz,
    grade integer check (grade in (0, 35, 65, 100)),
    graded_by text check (graded_by in ('person', 'match', 'judge')),
    grade_reason text not null default '',
    judge_grade integer check (judge_grade in (0, 35, 65, 100)),
    judged_with text not null default '',
    primary key (incident_id, version),
    check ((grade is null) = (graded_by is null))
);
create index outcome_message on aiops.outcome (channel, message_ts) where message_ts is not null;
create index outcome_recorded on aiops.outcome (recorded_at);

-- Only the grade, the judge's word and a deleted message may follow later.
create function aiops.freeze_outcome() returns trigger language plpgsql as $$
begin
    if (new.incident_id, new.version, new.form, new.author, new.source, new.recorded_at, new.channel, new.message_ts)
        is distinct from
       (old.incident_id, old.version, old.form, old.author, old.source, old.recorded_at, old.channel, old.message_ts) then
        raise exception 'version % of the outcome of % is frozen', old.version, old.incident_id
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger outcome_frozen before update on aiops.outcome
    for each row execute function aiops.freeze_outcome();

-- The bot asks once, and reminds once.
create table aiops.outcome_request (
    incident_id text primary key references aiops.incident,
    asked_at timestamptz not null,
    reminded_at timestamptz
);

-- A team's own past from before the bot: no hypothesis, so it teaches retrieval and base rates only.
create table aiops.past_incident (
    id text primary key,
    body jsonb not null,
    sha256 text not null,
    imported_by text not null,
    imported_at timestamptz not null
);

create table aiops.similar_vote (
    incident_id text not null references aiops.incident,
    similar_id text not null,
    user_id text not null,
    relevant boolean not null,
    at timestamptz not null,
    primary key (incident_id, similar_id, user_id)
);

-- Every nightly fit, used or not; the newest that was used is the one that counts.
create table aiops.calibration (
    version text primary key,
    slope double precision not null,
    "offset" double precision not null,
    labels integer not null,
    fitted_at timestamptz not null,
    brier_old double precision,
    brier_new double precision,
    compared integer not null,
    used boolean not null,
    why text not null
);

-- What each class of alert has earned with each runbook; no row: nothing yet.
create table aiops.autonomy (
    alert_class text not null,
    runbook text not null,
    level text not null,
    why text not null,
    lower_bound double precision,
    labels integer not null,
    since timestamptz not null,
    primary key (alert_class, runbook)
);

-- What an investigation knew, so that the reasoning can be run again with another prompt, model or analyst.
create table aiops.world (
    investigation_id text primary key references aiops.investigation,
    body jsonb not null,
    kept_at timestamptz not null
);

-- When a prompt, runbook or model was first seen at work, for "what changed this week".
create table aiops.content_version (
    kind text not null,
    name text not null,
    version text not null,
    sha256 text not null,
    seen_at timestamptz not null,
    primary key (kind, name, version, sha256)
);

create table aiops.classifier (
    quarter text primary key,
    trained_at timestamptz not null,
    labels integer not null,
    shipped boolean not null,
    body jsonb not null
);
