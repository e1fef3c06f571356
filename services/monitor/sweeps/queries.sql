-- name: sweep_begin(day, healthy, packs, counts)$
insert into sweeps (day, healthy, packs, counts) values (:day, :healthy::text[], :packs::jsonb, :counts::jsonb)
on conflict do nothing
returning true;

-- name: sweep_lock(day)^
select * from sweeps where day = :day for update;

-- name: sweep_get(day)^
select * from sweeps where day = :day;

-- name: sweep_move(day, reached, finished, counts)!
update sweeps set reached = :reached, finished = :finished, counts = :counts::jsonb where day = :day;
