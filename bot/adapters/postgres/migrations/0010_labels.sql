-- Labels that were taken back, and records of what was labelled or imported.

-- Recorded by mistake: a version that says so. The versions before it stay as they were.
alter table aiops.outcome add column withdrawn boolean not null default false;

-- The label that stands: the newest version, unless it took the label back.
create view aiops.label as
select * from (
    select distinct on (o.incident_id) o.* from aiops.outcome o order by o.incident_id, o.version desc
) newest
where not newest.withdrawn;

-- Imported incidents are searched beside files and closed incidents.
alter table aiops.postmortem drop constraint postmortem_origin_check;
alter table aiops.postmortem add constraint postmortem_origin_check check (origin in ('file', 'incident', 'history'));
create index postmortem_unfinished on aiops.postmortem (id) where sha256 = '';
