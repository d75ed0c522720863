-- What model calls may cost: reserved before each call, settled after it, so that limits hold over all processes.
create table aiops.budget_entry (
    id bigint generated always as identity primary key,
    agent text not null,
    incident_id text not null references aiops.incident,
    at timestamptz not null,
    tokens integer not null check (tokens >= 0),
    cost_usd double precision not null check (cost_usd >= 0),
    settled boolean not null default false
);
create index budget_entry_incident on aiops.budget_entry (incident_id);
create index budget_entry_agent on aiops.budget_entry (agent, at);
