-- name: usage_lock(assets, measures, days, wanted)
-- Stored rows are locked in the order of the key, so that two writers wait and never deadlock; sketches where wanted.
select u.asset_id, u.measure, u.day, case when k.wanted then u.users end as users
from usage_days u
join unnest(:assets::uuid[], :measures::text[], :days::date[], :wanted::bool[]) as k (asset_id, measure, day, wanted)
    on u.asset_id = k.asset_id and u.measure = k.measure and u.day = k.day
order by u.asset_id, u.measure, u.day
for no key update of u;

-- name: usage_put(assets, measures, days, totals, users, estimates)$
-- Totals add up, sketches replace what `usage_lock` read; answers how many rows are new.
with put as (
    insert into usage_days as u (asset_id, measure, day, total, users, users_estimate)
    select * from unnest(
        :assets::uuid[], :measures::text[], :days::date[], :totals::bigint[], :users::bytea[], :estimates::int[])
    on conflict (asset_id, measure, day) do update set
        total = u.total + excluded.total,
        users = coalesce(excluded.users, u.users),
        users_estimate = coalesce(excluded.users_estimate, u.users_estimate)
    returning (xmax = 0) as fresh
)
select count(*) filter (where fresh) from put;

-- name: gauges_put(assets, measures, days, values_, stamps, sources)!
insert into readings as r (asset_id, measure, day, value, ts, source)
select * from unnest(
    :assets::uuid[], :measures::text[], :days::date[], :values_::bigint[], :stamps::bigint[], :sources::text[])
on conflict (asset_id, measure, day, source) do update set value = excluded.value, ts = excluded.ts
where (excluded.ts, excluded.value) > (r.ts, r.value);

-- name: received_put(sources, days, counts)
-- Adds the arrived records; answers the days whose silence has to be counted anew.
with put as (
    insert into source_days as d (source, day, received)
    select * from unnest(:sources::text[], :days::date[], :counts::bigint[])
    on conflict (source, day) do update set received = d.received + excluded.received
    returning d.source, d.day, d.counted, case when d.received = d.stated and 'posts' = any(d.measures) then d.within end as due
)
select source, day, counted, due from put where counted is distinct from due order by source, day;
