-- Named queries for the approximate index over vectors of past incidents, which exists only where there are very many.

-- name: vector_index_state
-- How many vectors there are, and the approximate index: none, valid, or left unfinished by a process that ended.
select (select count(*) from aiops.postmortem_vector) as vectors,
    (select i.indisvalid from pg_index i where i.indexrelid = to_regclass('aiops.postmortem_vector_hnsw')) as valid

-- name: make_vector_index
-- Searching and indexing go on meanwhile; not inside a transaction.
create index concurrently if not exists postmortem_vector_hnsw on aiops.postmortem_vector
    using hnsw (embedding public.halfvec_cosine_ops)

-- name: drop_vector_index
-- An exact scan is as quick again, and misses nothing.
drop index concurrently if exists aiops.postmortem_vector_hnsw

-- name: lock_vector_index
-- One process at a time builds or drops it.
select pg_try_advisory_lock(hashtext('aiops.postmortem_vector_hnsw')) as mine

-- name: scan_on_when_filtered
-- Rows of another model are filtered after the approximate scan: it goes on until enough are left.
select set_config('hnsw.iterative_scan', 'relaxed_order', true)
from pg_class where oid = to_regclass('aiops.postmortem_vector_hnsw')
