-- name: identity_lock(text_)$
-- Two declarations of one identity wait for each other, even before a row exists.
select pg_advisory_xact_lock(hashtextextended(:text_, 0));

-- name: identities_lock(texts)
-- The same for many at once, always in one order, so that two imports never wait for each other in a circle.
select pg_advisory_xact_lock(hashtextextended(t, 0)) from (select t from unnest(:texts::text[]) as t order by t offset 0) as o;

-- name: asset_latest(kind, platform, identity)^
select * from assets where kind = :kind and platform = :platform and identity = :identity
order by incarnation desc limit 1 for no key update;

-- name: asset_peek(kind, platform, identity)^
select * from assets where kind = :kind and platform = :platform and identity = :identity
order by incarnation desc limit 1;

-- name: assets_latest(kinds, platforms, identities)
-- The latest life of each of many, for looking only.
select distinct on (a.kind, a.platform, a.identity) a.*
from unnest(:kinds::text[], :platforms::text[], :identities::text[]) as w (kind, platform, identity)
join assets a on a.kind = w.kind and a.platform = w.platform and a.identity = w.identity
order by a.kind, a.platform, a.identity, a.incarnation desc;

-- name: asset_lock(asset_id)^
select * from assets where asset_id = :asset_id for no key update;

-- name: asset_seen(asset_id, below)^
-- An asset, for a reader of all assets or of those of one unit and below it.
select * from assets
where asset_id = :asset_id and (:below::uuid is null or sponsor_id in (select units_below(:below)));

-- name: asset_put(record, looks, looks_by, actor, cause, outcome, note)!
-- The current record and its version, in one round trip. `record` has the table's columns by their names, so the insert
-- lists none of them; what identifies an asset never changes, so only what may change is listed, once.
with given as (
    select * from jsonb_populate_record(
        null::assets,
        :record::text::jsonb || jsonb_build_object('looks', :looks::text[], 'looks_by', :looks_by::text)
    )
), current as (
    insert into assets select * from given
    on conflict (asset_id) do update set
        version = excluded.version,
        address = excluded.address,
        name = excluded.name,
        language = excluded.language,
        sponsor_id = excluded.sponsor_id,
        record = excluded.record,
        running = excluded.running,
        source = excluded.source,
        opened_on = excluded.opened_on,
        changed_at = excluded.changed_at,
        stated_on = excluded.stated_on,
        looks = excluded.looks,
        looks_by = excluded.looks_by
)
insert into asset_versions (asset_id, version, at, actor, cause, outcome, note, record)
select asset_id, version, changed_at, :actor, :cause, :outcome, :note, :record::text::jsonb from given;

-- name: assets_stated(asset_ids, on_)!
-- Rows are locked in the order of their ids, as everywhere.
with stated as (
    select asset_id from assets where asset_id = any(:asset_ids::uuid[]) and stated_on < :on_
    order by asset_id for no key update
)
update assets a set stated_on = :on_ from stated where a.asset_id = stated.asset_id;

-- name: version_list(asset_id, below, after, max_rows)
-- A unit reads the versions in which the asset was its own, or of a unit below it.
select version, at, actor, cause, outcome, note, record::text as record from asset_versions
where asset_id = :asset_id and version > :after
  and (:below::uuid is null or (record->>'sponsor_id')::uuid in (select units_below(:below)))
order by version limit :max_rows;

-- name: asset_list(kind, platform, sponsor, running, record, source, below, after, max_rows)
select * from assets
where (:kind::text is null or kind = :kind) and (:platform::text is null or platform = :platform)
  and (:sponsor::uuid is null or sponsor_id = :sponsor) and (:running::text is null or running = :running)
  and (:record::text is null or record = :record) and (:source::text is null or source = :source)
  and (:below::uuid is null or sponsor_id in (select units_below(:below)))
  and asset_id > :after::uuid
order by asset_id limit :max_rows;

-- name: asset_counts(below)
select kind, platform, record, running, count(*) as assets from assets
where :below::uuid is null or sponsor_id in (select units_below(:below))
group by 1, 2, 3, 4 order by 1, 2, 3, 4;

-- name: assets_lock(asset_ids)
-- In the order of their ids, before anything else is locked.
select * from assets where asset_id = any(:asset_ids::uuid[]) order by asset_id for no key update;

-- name: permit_add(asset_id, permitted_by, reason, at)$
insert into reopen_permits (asset_id, permitted_by, reason, at) values (:asset_id, :permitted_by, :reason, :at)
on conflict do nothing
returning true;

-- name: permit_get(asset_id)^
select permitted_by, reason, at from reopen_permits where asset_id = :asset_id;
