-- name: cases_moved()
-- Cases whose log has grown since a checkpoint last held it.
select case_id from cases where version > checkpoint_entries order by case_id;

-- name: cases_noted(case_ids, entries)!
-- What a checkpoint says of them. A row that somebody holds is left for the next one, which says the same of it again.
update cases c set checkpoint_entries = n.entries
from unnest(:case_ids::uuid[], :entries::int[]) as n(case_id, entries)
where c.case_id = n.case_id and c.checkpoint_entries < n.entries
  and c.case_id in (select l.case_id from cases l where l.case_id = any(:case_ids::uuid[]) for no key update skip locked);

-- name: checkpoint_add(day, content, sha256, signature)$
insert into checkpoints (day, content, sha256, signature) values (:day, :content, :sha256, :signature)
on conflict do nothing returning true;

-- name: checkpoint_newest()^
select day, sha256 from checkpoints order by day desc limit 1;

-- name: checkpoint_list(after, max_rows)
select day, sha256, signature, jsonb_array_length(case_ids) as cases from checkpoints
where day > :after order by day limit :max_rows;
