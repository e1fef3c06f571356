-- name: asset_put(asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running, source, listed_on, opened_on)$
-- Only a higher version than the current one is taken, or the same where its sponsor is not stored yet.
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

-- name: assets_unknown(assets)
-- Those of a list that the register has not recorded, or not yet.
select named.asset_id from unnest(:assets::uuid[]) as named (asset_id)
where not exists(select from assets a where a.asset_id = named.asset_id)
order by named.asset_id;

-- name: platforms_recorded(platforms)
select distinct platform from assets where platform = any(:platforms::text[]);

-- name: asset_get(asset_id)^
select a.*, coalesce(s.stopped, false) as stopped,
    exists(select from watched_assets w where w.asset_id = a.asset_id) as watched
from assets a left join stops s using (asset_id)
where a.asset_id = :asset_id;

-- name: asset_seen(asset_id, below)$
select exists(select from assets where asset_id = :asset_id and sponsor_id in (select units_below(:below)));

-- name: stop_put(asset_id, case_id, stopped)!
insert into stops (asset_id, case_id, stopped) values (:asset_id, :case_id, :stopped)
on conflict (asset_id) do update set case_id = excluded.case_id, stopped = excluded.stopped;

-- name: watched_after(after, max_rows)
-- The next assets to sweep, in the order of their ids.
select asset_id from watched_assets
where (:after::uuid is null or asset_id > :after) order by asset_id limit :max_rows;
