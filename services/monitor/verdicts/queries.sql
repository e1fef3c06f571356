-- name: asset_put(asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running, source, listed_on, opened_on)$
-- Only a higher version than the one held is taken, or the same where its sponsor is not held yet.
insert into assets as a
    (asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running, source, listed_on,
     opened_on)
values (:asset_id, :version, :kind, :platform, :identity, :address, :name, :sponsor_id, :record, :running, :source,
    :listed_on, :opened_on)
on conflict (asset_id) do update set
    version = excluded.version, kind = excluded.kind, platform = excluded.platform, identity = excluded.identity,
    address = excluded.address, name = excluded.name, sponsor_id = excluded.sponsor_id, record = excluded.record,
    running = excluded.running, source = excluded.source, listed_on = excluded.listed_on,
    opened_on = excluded.opened_on
where a.version < excluded.version or (a.version = excluded.version and a.sponsor_id is null)
returning true;

-- name: assets_without_sponsor()$
-- Whether the register has to be read again: it was read when it did not say whose each asset is.
select exists(select from assets where sponsor_id is null);

-- name: unit_put(unit_id, version, parent_id, scheme, value, name)!
-- Only a higher version than the one held is taken, or the same where its code or name is not held yet.
insert into units as u (unit_id, version, parent_id, scheme, value, name)
values (:unit_id, :version, :parent_id, :scheme, :value, :name)
on conflict (unit_id) do update set
    version = excluded.version, parent_id = excluded.parent_id, scheme = excluded.scheme, value = excluded.value,
    name = excluded.name
where u.version < excluded.version or (u.version = excluded.version and (u.scheme is null or u.name is null));

-- name: units_incomplete()$
-- Whether the topic of units has to be read again: it was read when codes or names were not kept.
select exists(select from units where scheme is null or name is null);

-- name: unit_by_code(scheme, key)$
select unit_id from units where scheme = :scheme and lower(value) = lower(:key);

-- name: assets_unknown(assets)
-- Those of a list that the register has not told of, or not yet.
select named.asset_id from unnest(:assets::uuid[]) as named (asset_id)
where not exists(select from assets a where a.asset_id = named.asset_id)
order by named.asset_id;

-- name: units_unknown(units)
-- Those of a list that the register has not told of, or not yet.
select named.unit_id from unnest(:units::uuid[]) as named (unit_id)
where not exists(select from units u where u.unit_id = named.unit_id)
order by named.unit_id;

-- name: platforms_held(platforms)
select distinct platform from assets where platform = any(:platforms::text[]);

-- name: asset_get(asset_id)^
select a.*, coalesce(s.stopped, false) as stopped,
    exists(select from watched_assets w where w.asset_id = a.asset_id) as watched
from assets a left join stops s using (asset_id)
where a.asset_id = :asset_id;

-- name: stop_put(asset_id, case_id, stopped)!
insert into stops (asset_id, case_id, stopped) values (:asset_id, :case_id, :stopped)
on conflict (asset_id) do update set case_id = excluded.case_id, stopped = excluded.stopped;

-- name: watched_after(after, max_rows)
-- The next assets to sweep, in the order of their ids.
select asset_id from watched_assets
where (:after::uuid is null or asset_id > :after) order by asset_id limit :max_rows;

-- name: watched_without_verdict(after, max_rows)
-- What came to be watched after the last sweep, in the order of its ids.
select asset_id from watched_assets w
where (:after::uuid is null or asset_id > :after)
    and not exists (select from verdicts v where v.asset_id = w.asset_id and v.until_day is null)
order by asset_id limit :max_rows;

-- name: usage_lock(assets, measures, days, wanted)
-- What is held is locked in the order of the key, so that two writers wait and never deadlock; sketches where wanted.
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
-- Adds what arrived; answers the days whose silence has to be counted anew.
with put as (
    insert into source_days as d (source, day, received)
    select * from unnest(:sources::text[], :days::date[], :counts::bigint[])
    on conflict (source, day) do update set received = d.received + excluded.received
    returning d.source, d.day, d.counted, case when d.received = d.stated and 'posts' = any(d.measures) then d.within end as due
)
select source, day, counted, due from put where counted is distinct from due order by source, day;

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

-- name: source_get(source)^
select * from sources where source = :source;

-- name: source_known(source, today)!
-- There is a row to lock before anything is decided of a source.
insert into sources (source, configured_on) values (:source, :today) on conflict do nothing;

-- name: source_admit(source, since)!
-- Admitted from a day on, whatever was said of the days after it before.
update sources set admitted = admitted + datemultirange(daterange(:since::date, null)) where source = :source;

-- name: source_withdraw(source, since)!
update sources set admitted = admitted * datemultirange(daterange(null, :since::date)) where source = :source;

-- name: admissions_on(day)
-- Who may speak on a day.
select * from (
    select distinct on (source) * from admissions where since <= :day order by source, version desc
) m where m.admitted;

-- name: admission_on(source, day)^
-- The version in force on a day, a withdrawal too.
select * from admissions where source = :source and since <= :day order by version desc limit 1;

-- name: admission_list(source)
select * from admissions where source = :source order by version;

-- name: admission_latest(source)^
select * from admissions where source = :source order by version desc limit 1;

-- name: admission_put(source, since, admitted, agents, measures, everything, units, platforms, kinds, assets, reason, decided_by, decided_at)$
insert into admissions (source, version, since, admitted, agents, measures, everything, units, platforms, kinds, assets,
    reason, decided_by, decided_at)
select :source, coalesce(max(version), 0) + 1, :since, :admitted, :agents::text[], :measures::text[], :everything,
    :units::uuid[], :platforms::text[], :kinds::text[], :assets::uuid[], :reason, :decided_by, :decided_at
from admissions where source = :source
returning version;

-- name: source_change_put(source, what, before, after, actor, at)!
insert into source_changes (source, what, before, after, actor, at)
values (:source, :what, :before::jsonb, :after::jsonb, :actor, :at);

-- name: source_change_list(source, before_id, max_rows)
select * from source_changes
where source = :source and (:before_id::bigint is null or change_id < :before_id)
order by change_id desc limit :max_rows;

-- name: source_hold(source)^
-- Keeps what a source may do from changing until the transaction ends.
select * from sources where source = :source for share;

-- name: source_change(source)^
select * from sources where source = :source for update;

-- name: assets_within(source, days, assets)
-- Those of the assets that the source's admissions in force on each of the days cover.
with recursive chosen as (
    select i.asset_id, a.kind, a.platform, a.sponsor_id
    from unnest(:assets::uuid[]) as i (asset_id) left join assets a using (asset_id)
), climbed as (
    select distinct sponsor_id as unit_id, sponsor_id as above from chosen where sponsor_id is not null
    union
    select c.unit_id, u.parent_id from climbed c join units u on u.unit_id = c.above where u.parent_id is not null
), above as (
    select unit_id, array_agg(above) as units from climbed group by unit_id
), held as (
    select distinct (select m.version from admissions m where m.source = :source and m.since <= d.day
                     order by m.version desc limit 1) as version
    from unnest(:days::date[]) as d (day)
)
select c.asset_id from chosen c left join above on above.unit_id = c.sponsor_id
where (select bool_and(covers_asset(m, c.asset_id, c.kind, c.platform, above.units))
       from held join admissions m on m.source = :source and m.version = held.version);

-- name: source_lock()
-- Health changes under a lock on every source, so that each change is told once.
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

-- name: signals_on(assets, day, healthy)
-- The parameters are named in the order of their first use, which is the order in which they are numbered.
-- All signals of the given assets on one business day. `silence_as_of` is the day judged: the last one that a healthy
-- source vouches for, today or as many days back as its rhythm allows; without one, silence is unknown. It is unknown
-- too where any admitted source that watches the asset is not healthy. A post of these last days is known in any case.
with recursive chosen as (
    select asset_id, source as listed_source, listed_on, least(opened_on, listed_on) as since, kind, platform, sponsor_id
    from assets where asset_id = any(:assets::uuid[])
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
        select x from admissions x where x.source = s.source and x.since <= :day::date order by x.version desc limit 1
    ) l (m) on (l.m).admitted
), watching as (
    -- whoever is admitted for the asset's posts, and has named it in the last four weeks in which it stated anything
    select v.asset_id, v.source, s.rhythm_days, s.source = any(:healthy::text[]) as healthy,
        v.days * s.admitted * datemultirange(daterange(null, :day + 1)) as days
    from chosen c
    join vouched v using (asset_id)
    join speaking s using (source)
    left join above on above.unit_id = c.sponsor_id
    where 'posts' = any(s.measures) and v.stated_on > s.last_stated - 28
        and covers_asset(s.admission, c.asset_id, c.kind, c.platform, above.units)
    union all
    -- and who is blind and had no such four weeks since the asset was listed: it had no time to say that it does not
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
    select distinct on (g.asset_id, g.measure, g.source) g.asset_id, g.measure, g.source, g.day, g.value,
        g.source = any(:healthy) as healthy
    from chosen c
    join readings g using (asset_id)
    join speaking s using (source)
    left join above on above.unit_id = c.sponsor_id
    where g.measure in ('posts_total', 'followers') and g.day between :day - 35 and :day
        and g.measure = any(s.measures)
        and covers_asset(s.admission, c.asset_id, c.kind, c.platform, above.units)
    order by g.asset_id, g.measure, g.source, g.day desc
), gauges as (
    -- of several the greatest, and nothing where one of them is not healthy
    select distinct on (asset_id, measure) asset_id, measure, source, day,
        case when bool_and(healthy) over (partition by asset_id, measure) then value end as value
    from latest order by asset_id, measure, healthy, latest.value desc, day desc
)
select c.asset_id, c.listed_source, (:day - c.since) as days_listed,
    coalesce(r.source, w.blind[1]) as silence_source,
    coalesce(greatest(r.day, case when r.day is not null then p.day end), p.recent) as silence_as_of,
    r.first_day as vouched_from, p.day as last_post,
    case when p.day >= r.day or (r.day is null and p.recent is not null) then 0
         when p.day >= r.first_day - 1 then r.day - p.day end as days_since_post,
    case when r.day is not null then greatest(0, r.day - greatest(p.day, r.first_day - 1))
         when p.recent is not null then 0 end as days_observed_silent,
    t.source as posts_total_source, t.day as posts_total_as_of,
    -- a post that was counted, before the reading or after it, outweighs a total of nothing
    case when p.day is not null and t.value is not null then greatest(t.value, 1) else t.value end as posts_total,
    f.source as followers_source, f.day as followers_as_of, f.value as followers,
    w.watching, w.blind, w.agents
from chosen c
left join runs r using (asset_id)
left join watched w using (asset_id)
left join lateral (
    select u.day, case when u.day >= :day - coalesce(w.rhythm_days, 1) then u.day end as recent from usage_days u
    where u.asset_id = c.asset_id and u.measure = 'posts' and u.total > 0 and u.day <= :day
    order by u.day desc limit 1
) p on true
left join gauges t on t.asset_id = c.asset_id and t.measure = 'posts_total'
left join gauges f on f.asset_id = c.asset_id and f.measure = 'followers'
order by c.asset_id;

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

-- name: open_findings(assets)
select finding_id, asset_id, rule, condition from findings where state = 'open' and asset_id = any(:assets::uuid[])
order by asset_id, rule;

-- name: findings_without_rule(rules)
-- Open findings of rules that no pack holds any more.
select finding_id, asset_id, rule from findings where state = 'open' and not rule = any(:rules::text[])
order by finding_id;

-- name: ordinals(assets, rules)
-- How often each rule has been true of each asset before.
select asset_id, rule, max(ordinal) as ordinal from findings
where asset_id = any(:assets::uuid[]) and rule = any(:rules::text[]) group by asset_id, rule;

-- name: findings_put(found, opened_on, opened_at)!
-- New findings, many at once.
insert into findings (finding_id, asset_id, rule, ordinal, state, verdict, proposal, pack, pack_version, condition,
    basis, label, clears_when, signals, agents, opened_on, opened_at)
select f.finding_id, f.asset_id, f.rule, f.ordinal, 'open', f.verdict, f.proposal, f.pack, f.pack_version, f.condition,
    f.basis, f.label, f.clears_when, f.signals, f.agents, :opened_on, :opened_at
from jsonb_to_recordset(:found::jsonb) as f (finding_id uuid, asset_id uuid, rule text, ordinal int, verdict text,
    proposal text, pack text, pack_version text, condition text, basis text, label text, clears_when text,
    signals jsonb, agents text[]);

-- name: findings_clear(findings, reasons, cleared_on, cleared_at)!
update findings f set state = 'cleared', cleared_on = :cleared_on, cleared_at = :cleared_at, cleared_because = c.because
from unnest(:findings::uuid[], :reasons::text[]) as c (finding_id, because)
where f.finding_id = c.finding_id;

-- name: finding_get(finding_id)^
select * from findings where finding_id = :finding_id;

-- name: finding_seen(finding_id, below)^
-- A finding with whose it is, for who may look at all or at those of one unit and below it.
select f.*, a.name, a.platform, a.address, a.sponsor_id as unit_id, u.name as unit_name
from findings f left join assets a using (asset_id) left join units u on u.unit_id = a.sponsor_id
where f.finding_id = :finding_id and (:below::uuid is null or a.sponsor_id in (select units_below(:below)));

-- name: asset_seen(asset_id, below)$
select exists(select from assets where asset_id = :asset_id and sponsor_id in (select units_below(:below)));

-- name: finding_list(state, rule, asset_id, at, which, opened_from, opened_to, watched, below, max_rows)
-- The newest first, behind a place. What is open of an asset that is closed or gone stays as it was when the asset was
-- last watched.
select f.*, a.name, a.platform, a.address, a.sponsor_id as unit_id, u.name as unit_name
from findings f left join assets a using (asset_id) left join units u on u.unit_id = a.sponsor_id
where (:state::text is null or f.state = :state) and (:rule::text is null or f.rule = :rule)
    and (:asset_id::uuid is null or f.asset_id = :asset_id)
    and (:at::timestamptz is null or (f.opened_at, f.finding_id) < (:at::timestamptz, :which::uuid))
    and (:opened_from::date is null or f.opened_on >= :opened_from)
    and (:opened_to::date is null or f.opened_on <= :opened_to)
    and (:watched::boolean is null
         or :watched = exists (select from watched_assets w where w.asset_id = f.asset_id))
    and (:below::uuid is null or a.sponsor_id in (select units_below(:below)))
order by f.opened_at desc, f.finding_id desc limit :max_rows;

-- name: verdict_now(asset_id)^
select from_day, verdict, rule from verdicts where until_day is null and asset_id = :asset_id;

-- name: verdicts_changed(assets, found, rules)
-- Those whose verdict, or the rule behind it, is not what is held.
select f.asset_id, f.verdict, f.rule
from unnest(:assets::uuid[], :found::text[], :rules::text[]) as f (asset_id, verdict, rule)
left join verdicts v on v.asset_id = f.asset_id and v.until_day is null
where (v.verdict, v.rule) is distinct from (f.verdict, f.rule);

-- name: verdicts_end(assets, day)!
update verdicts set until_day = :day where until_day is null and asset_id = any(:assets::uuid[]);

-- name: verdicts_begin(assets, day, found, rules)!
-- One that ended on the day on which it began, because its asset was not watched in between, begins again.
insert into verdicts (asset_id, from_day, verdict, rule)
select v.a, :day, v.v, v.r from unnest(:assets::uuid[], :found::text[], :rules::text[]) as v (a, v, r)
on conflict (asset_id, from_day) do update
set until_day = null, verdict = excluded.verdict, rule = excluded.rule;

-- name: verdicts_unwatched(day)!
-- What is no longer watched has no verdict from here on.
update verdicts set until_day = :day
where until_day is null and asset_id = any(array(
    select asset_id from verdicts where until_day is null except select asset_id from watched_assets));

-- name: verdict_list(day, verdict, below, after, max_rows)
select asset_id, verdict, rule, from_day from verdicts
where from_day <= :day and (until_day is null or until_day > :day)
    and (:verdict::text is null or verdict = :verdict) and (:after::uuid is null or asset_id > :after)
    and (:below::uuid is null
         or asset_id in (select a.asset_id from assets a where a.sponsor_id in (select units_below(:below))))
order by asset_id limit :max_rows;

-- name: coverage_of(asset_id)
-- Which sources have named an asset, and until when each vouches for it.
select v.source, upper(v.days) - 1 as last_vouched from vouched v
where v.asset_id = :asset_id order by v.source;
