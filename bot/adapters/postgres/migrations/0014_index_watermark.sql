-- Each search asks whether the index of past incidents has changed: without reading the texts, which are nearly all of the table.
create index postmortem_stamp on aiops.postmortem (model, indexed_at);
