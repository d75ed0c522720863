-- One row for every training of the classifier, so that a later one never takes away the one in use.
alter table aiops.classifier drop constraint classifier_pkey;
alter table aiops.classifier add column id bigint generated always as identity primary key;
-- Of the trainings that the clock asks for there is one a quarter, over all replicas.
alter table aiops.classifier add column scheduled boolean not null default false;
create unique index classifier_scheduled on aiops.classifier (quarter) where scheduled;
create index classifier_trained on aiops.classifier (trained_at);

-- A replica that judges a label holds it for so long, so that no other asks the model the same.
alter table aiops.outcome add column judging_until timestamptz;
-- The view names the columns of its own time.
create or replace view aiops.label as
select * from (
    select distinct on (o.incident_id) o.* from aiops.outcome o order by o.incident_id, o.version desc
) newest
where not newest.withdrawn;
