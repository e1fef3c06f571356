-- name: source_put(source, rhythm_days, floor_share, lookback_days, today)!
insert into sources (source, rhythm_days, floor_share, lookback_days, configured_on)
values (:source, :rhythm_days, :floor_share, :lookback_days, :today)
on conflict (source) do update set
    rhythm_days = excluded.rhythm_days, floor_share = excluded.floor_share, lookback_days = excluded.lookback_days;

-- name: source_list(today)
-- `admitted_on`: since when it has been admitted without a break; null where it is not admitted today.
select s.*, (select max(d.day) from source_days d where d.source = s.source and d.received = d.stated) as last_whole,
    (select lower(r) from unnest(s.admitted) as r where r @> :today::date) as admitted_on
from sources s order by s.source;

-- name: sources_lock()
-- Health changes under a lock on every source, so that each change is one event.
select * from sources order by source for update;

-- name: source_mark(source, healthy, reason, today, version)!
update sources set healthy = :healthy, reason = :reason, judged_on = :today, version = :version
where source = :source;

-- name: stated_days(today, max_rows)
-- The latest statements of every source, for the judgement of its health.
select s.source, d.day, d.received, d.stated, d.covered
from sources s
cross join lateral (
    select * from source_days x
    where x.source = s.source and x.day <= :today and x.stated is not null and s.admitted @> x.day order by x.day desc limit :max_rows
) d;

-- name: source_day_lock(source, day)^
insert into source_days as d (source, day) values (:source, :day)
on conflict (source, day) do update set received = d.received
returning d.*;

-- name: statement_put(source, day, stated, revision, covered, cover, within, beyond, measures, stated_by)^
-- Silence is asked of posts alone, so only a day of a source that counts posts joins the vouched days.
update source_days
set stated = :stated, revision = :revision, covered = :covered, cover = :cover, within = :within, beyond = :beyond,
    measures = :measures::text[], stated_by = :stated_by
where source = :source and day = :day
returning received, counted, case when received = stated and 'posts' = any(measures) then within end as due;

-- name: source_days_list(source, before, max_rows)
select day, received, stated, revision, covered, beyond, stated_by, coalesce(received = stated, false) as whole,
    case when stated is null then '{}' else measures end as measures
from source_days
where source = :source and (:before::date is null or day < :before) order by day desc limit :max_rows;

-- name: cover_put(cover, assets)!
insert into covers (cover, assets) values (:cover, :assets::uuid[]) on conflict do nothing;

-- name: vouch_lock(source)$
select pg_advisory_xact_lock(hashtextextended('vouched:' || :source, 0));

-- name: vouch(source, day, cover)!
-- The day joins the vouched days of every asset on the list.
insert into vouched as v (asset_id, source, days, stated_on)
select a, :source, datemultirange(daterange(:day::date, :day + 1)), :day
from covers c cross join lateral unnest(c.assets) as a
where c.cover = :cover order by a
on conflict (asset_id, source) do update set
    days = v.days + excluded.days, stated_on = greatest(v.stated_on, excluded.stated_on);

-- name: watch(source, day, cover)!
-- The source has named the assets, although its day is not whole: when it is blind they are unknown.
insert into vouched as v (asset_id, source, days, stated_on)
select a, :source, datemultirange(), :day from covers c cross join lateral unnest(c.assets) as a
where c.cover = :cover order by a
on conflict (asset_id, source) do update set stated_on = excluded.stated_on
where v.stated_on is null or v.stated_on < excluded.stated_on;

-- name: unvouch(source, day, cover)!
-- The day is taken back: it was restated, or more arrived than was stated.
update vouched v set days = v.days - datemultirange(daterange(:day::date, :day + 1))
from covers c cross join lateral unnest(c.assets) as a
where c.cover = :cover and v.asset_id = a and v.source = :source;

-- name: counted_put(source, day, counted)!
update source_days set counted = :counted where source = :source and day = :day;

-- name: coverage_of(asset_id)
-- Which sources have named an asset, and until when each vouches for it.
select v.source, upper(v.days) - 1 as last_vouched from vouched v
where v.asset_id = :asset_id order by v.source;
