-- name: slots_lock(day)$
-- Places of a day are given out one after the other.
select pg_advisory_xact_lock(hashtextextended('slots ' || :day::date::text, 0));

-- name: slots_taken(day, unit_id, kind)^
select count(*) as day, count(*) filter (where unit_id = :unit_id) as unit, count(*) filter (where kind = :kind) as kind
from slots where day = :day;

-- name: slot_add(day, case_id, unit_id, kind)!
insert into slots (day, case_id, unit_id, kind) values (:day, :case_id, :unit_id, :kind) on conflict do nothing;
