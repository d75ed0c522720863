-- Half the bytes a vector: an exact scan reads half as much, and cosines differ in the fourth digit.
-- The model stands beside the vector, so that the scan needs no join.
alter table aiops.postmortem_vector alter column embedding type public.halfvec(384) using embedding::public.halfvec(384);
alter table aiops.postmortem_vector add column model text not null default '';
update aiops.postmortem_vector v set model = p.model from aiops.postmortem p where p.id = v.postmortem_id;
-- Closed incidents stand beside files; a file that is gone must not take an incident along.
alter table aiops.postmortem add column origin text not null default 'file' check (origin in ('file', 'incident'));
