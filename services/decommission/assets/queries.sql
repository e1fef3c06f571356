-- name: subject_put(asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running)$
insert into subjects (asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running)
values (:asset_id, :version, :kind, :platform, :identity, :address, :name, :sponsor_id, :record, :running)
on conflict (asset_id) do update set
    version = excluded.version, address = excluded.address, name = excluded.name, sponsor_id = excluded.sponsor_id,
    record = excluded.record, running = excluded.running
where subjects.version < excluded.version
returning true;

-- name: subject_get(asset_id)^
select * from subjects where asset_id = :asset_id;

-- name: platform_held(platform)$
-- Whether the registry has told of anything on a platform.
select exists(select from subjects where platform = :platform);

-- name: assets_left(unit_id, asset_id)$
-- How many assets a unit still answers for, besides one: none that is disposed of, whether or not the registry has heard.
select count(*) from subjects s
where s.sponsor_id = :unit_id and s.asset_id <> :asset_id and s.record <> 'closed' and coalesce(
    (select c.state from cases c where c.asset_id = s.asset_id order by c.ordinal desc limit 1), ''
) not in ('disposed', 'closed');

-- name: asset_lock(text_)$
-- Two findings of one asset, or a finding and the record, wait for each other before a case exists.
select pg_advisory_xact_lock(hashtextextended(:text_, 0));
