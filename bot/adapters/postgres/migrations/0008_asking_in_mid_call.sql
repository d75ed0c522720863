-- A tool's server may ask a person something in the middle of a write, and the incident then waits for an approval again.
insert into aiops.incident_transition values ('remediating', 'awaiting_approval');
