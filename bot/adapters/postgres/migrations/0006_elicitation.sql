-- What a tool's server asks in the middle of a call, and what it was told. The request for a person is a row of aiops.approval.

create table aiops.elicitation (
    number bigint generated always as identity primary key,
    approval_id text not null unique references aiops.approval,
    run_id text not null,
    step_number integer not null,
    -- True: the call has ended and whoever follows the run can take it up. False: it waits in the process that made it.
    held boolean not null,
    request_state text,
    keys jsonb not null,
    answer jsonb,
    told text not null default '' check (told in ('', 'accept', 'decline', 'cancel')),
    told_at timestamptz,
    foreign key (run_id, step_number) references aiops.step_run (run_id, number)
);
-- One call asks one thing at a time.
create unique index elicitation_one_open on aiops.elicitation (run_id, step_number) where told = '';
create index elicitation_run on aiops.elicitation (run_id, number);

-- A server is told once, and what it was told stays as it was.
create function aiops.freeze_elicitation() returns trigger language plpgsql as $$
begin
    if old.told <> '' or (new.approval_id, new.run_id, new.step_number, new.held, new.request_state, new.keys)
        is distinct from (old.approval_id, old.run_id, old.step_number, old.held, old.request_state, old.keys) then
        raise exception 'what elicitation % asks, and what was told, is frozen', old.approval_id using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger elicitation_frozen before update on aiops.elicitation
    for each row execute function aiops.freeze_elicitation();
