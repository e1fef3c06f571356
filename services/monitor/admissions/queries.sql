-- name: source_known(source, today)!
-- There is a row to lock before anything is decided of a source.
insert into sources (source, configured_on) values (:source, :today) on conflict do nothing;

-- name: source_exists(source)$
select exists(select from sources where source = :source);

-- name: source_lock(source)^
select * from sources where source = :source for update;

-- name: source_share(source)^
-- Locks the permissions of a source until the transaction ends.
select * from sources where source = :source for share;

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
), versions as (
    select distinct (select m.version from admissions m where m.source = :source and m.since <= d.day
                     order by m.version desc limit 1) as version
    from unnest(:days::date[]) as d (day)
)
select c.asset_id from chosen c left join above on above.unit_id = c.sponsor_id
where (select bool_and(covers_asset(m, c.asset_id, c.kind, c.platform, above.units))
       from versions join admissions m on m.source = :source and m.version = versions.version);

-- name: source_change_put(source, what, before, after, actor, at)!
insert into source_changes (source, what, before, after, actor, at)
values (:source, :what, :before::jsonb, :after::jsonb, :actor, :at);

-- name: source_change_list(source, before_id, max_rows)
select * from source_changes
where source = :source and (:before_id::bigint is null or change_id < :before_id)
order by change_id desc limit :max_rows;
