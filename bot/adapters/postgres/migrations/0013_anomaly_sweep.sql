-- The anomaly sweep: how far each golden signal has been looked at, and what its limit kept back.

create table aiops.anomaly_signal (
    name text primary key,
    -- When the last period began in which it was swept: whoever raises it has the period to itself.
    period timestamptz not null,
    swept_at timestamptz not null,
    -- The newest point that a sweep has judged; null until one could.
    seen_to timestamptz,
    problem text not null default ''
);

create table aiops.anomaly_held (
    signal text not null,
    onset_at timestamptz not null,
    held_at timestamptz not null,
    words text not null,
    primary key (signal, onset_at)
);
create index anomaly_held_at on aiops.anomaly_held (held_at);

-- The hourly limit counts these.
create index incident_of_sweep on aiops.incident (opened_at) where trigger = 'anomaly';
