-- name: signals_on(assets, day, healthy, gauges, measures, fresh_days)
-- What the signals of the given assets are read from, on one business day. `statement.py` adds the columns of each
-- signal of the catalogue: of `silence`, of `listing`, or of `gauges` joined under the signal's name.
-- `silence.as_of` is the day judged: the last one that a healthy source vouches for, today or as many days back as its
-- rhythm allows; without one, silence is unknown. It is unknown too where any admitted source that watches the asset is
-- not healthy. A post of these last days is known in any case.
with recursive chosen as (
    select asset_id, source as listed_source, listed_on, least(opened_on, listed_on) as since, kind, platform, sponsor_id
    from assets where asset_id = any(:assets)
), climbed as (
    select distinct sponsor_id as unit_id, sponsor_id as above from chosen where sponsor_id is not null
    union
    select c.unit_id, u.parent_id from climbed c join units u on u.unit_id = c.above where u.parent_id is not null
), above as (
    select unit_id, array_agg(above) as units from climbed group by unit_id
), speaking as (
    select s.*, l.m as admission, (l.m).measures,
        (select max(d.day) from source_days d where d.source = s.source and d.stated is not null) as last_stated
    from sources s
    join lateral (
        select x from admissions x where x.source = s.source and x.since <= :day order by x.version desc limit 1
    ) l (m) on (l.m).admitted
), watching as (
    -- sources admitted for the asset's posts that named it in the last four weeks in which they stated anything
    select v.asset_id, v.source, s.rhythm_days, s.source = any(:healthy) as healthy,
        v.days * s.admitted * datemultirange(daterange(null, :day + 1)) as days
    from chosen c
    join vouched v using (asset_id)
    join speaking s using (source)
    left join above on above.unit_id = c.sponsor_id
    where 'posts' = any(s.measures) and v.stated_on > s.last_stated - 28
        and covers_asset(s.admission, c.asset_id, c.kind, c.platform, above.units)
    union all
    -- and blind sources without such four weeks since the asset was listed: they had no time to leave it out
    select c.asset_id, s.source, s.rhythm_days, false, '{}'
    from speaking s
    join chosen c on c.listed_on > s.last_stated - 28
    left join above on above.unit_id = c.sponsor_id
    where s.source <> all(:healthy) and 'posts' = any(s.measures)
        and covers_asset(s.admission, c.asset_id, c.kind, c.platform, above.units)
        and not exists (select from vouched v where v.asset_id = c.asset_id and v.source = s.source)
), watched as (
    select w.asset_id, array_agg(w.source order by w.source) as watching, max(w.rhythm_days) as rhythm_days,
        array_agg(w.source order by w.source) filter (where not w.healthy) as blind,
        array_agg(distinct d.stated_by) filter (
            where w.healthy and d.stated_by is not null and d.day >= :day - w.rhythm_days) as agents
    from watching w left join source_days d on d.source = w.source and d.day = upper(w.days) - 1
    group by w.asset_id
), judged as (
    select distinct on (w.asset_id) w.asset_id, w.source, upper(w.days) - 1 as day
    from watching w join watched using (asset_id)
    where watched.blind is null and w.healthy and upper(w.days) - 1 >= :day - w.rhythm_days
    order by w.asset_id, upper(w.days) desc, w.source
), upto as (
    -- grouped with the day judged: joined to it afterwards, the planner would group anew for each asset
    select j.asset_id, j.source, j.day,
        range_agg(v.days * s.admitted * datemultirange(daterange(null, :day + 1))) as days
    from judged j join vouched v using (asset_id) join sources s on s.source = v.source
    group by j.asset_id, j.source, j.day
), runs as (
    -- the unbroken run of vouched days that ends there, whichever source vouched for each
    select t.asset_id, t.source, t.day, lower(r.run) as first_day
    from upto t cross join lateral unnest(t.days) as r (run)
    where r.run @> t.day
), latest as (
    -- each source's latest reading of a gauge, where it is admitted for that
    select distinct on (g.asset_id, d.gauge, g.source) g.asset_id, d.gauge, g.source, g.day, g.value,
        g.source = any(:healthy) as healthy
    from chosen c
    join readings g using (asset_id)
    join unnest(:gauges, :measures, :fresh_days) as d (gauge, measure, fresh_days)
        on d.measure = g.measure and g.day between :day - d.fresh_days and :day
    join speaking s using (source)
    left join above on above.unit_id = c.sponsor_id
    where g.measure = any(s.measures)
        and covers_asset(s.admission, c.asset_id, c.kind, c.platform, above.units)
    order by g.asset_id, d.gauge, g.source, g.day desc
), gauges as (
    -- of several the greatest, and nothing where one of them is not healthy
    select distinct on (asset_id, gauge) asset_id, gauge, source, day as as_of,
        case when bool_and(healthy) over (partition by asset_id, gauge) then value end as value
    from latest order by asset_id, gauge, healthy, latest.value desc, day desc
)
select chosen.asset_id, watched.watching, watched.blind, watched.agents
from chosen
left join runs using (asset_id)
left join watched using (asset_id)
left join lateral (
    select u.day, case when u.day >= :day - coalesce(watched.rhythm_days, 1) then u.day end as recent
    from usage_days u
    where u.asset_id = chosen.asset_id and u.measure = 'posts' and u.total > 0 and u.day <= :day
    order by u.day desc limit 1
) posted on true
cross join lateral (
    select coalesce(runs.source, watched.blind[1]) as source,
        coalesce(greatest(runs.day, case when runs.day is not null then posted.day end), posted.recent) as as_of,
        case when posted.day >= runs.day or (runs.day is null and posted.recent is not null) then 0
             when posted.day >= runs.first_day - 1 then runs.day - posted.day end as since_post,
        case when runs.day is not null then greatest(0, runs.day - greatest(posted.day, runs.first_day - 1))
             when posted.recent is not null then 0 end as in_a_row
) silence
cross join lateral (
    select chosen.listed_source as source, :day as as_of, :day - chosen.since as days
) listing;
