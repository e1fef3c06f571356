-- name: assets_by_identity(kinds, platform, identity, apart)
-- The latest life of each asset with an identity. Without a platform on any, but on none of `apart`, whose names may
-- look like hosts.
select distinct on (kind, platform) * from assets
where kind = any(:kinds::text[]) and identity = :identity
  and (platform = :platform or :platform::text is null and platform <> all(:apart::text[]))
order by kind, platform, incarnation desc;

-- name: assets_alike(tokens, platform, apart, max_rows)
-- The latest lives of the assets with one of these tokens, those that run before the others. Token by token, so that a
-- name that many have takes no more than `max_rows` of them; the use case compares each once more.
select distinct on (a.running <> 'online', a.asset_id) a.* from unnest(:tokens::text[]) as t (token)
cross join lateral (
    select * from assets f
    where f.looks @> array[t.token]
      and (f.platform = :platform or :platform::text is null and f.platform <> all(:apart::text[]))
      and not exists (select from assets later
                      where later.kind = f.kind and later.platform = f.platform and later.identity = f.identity
                        and later.incarnation > f.incarnation)
    order by f.running <> 'online', f.asset_id limit :max_rows
) a
order by a.running <> 'online', a.asset_id limit :max_rows;

-- name: assets_published(asset_ids)
-- What the public reads beside the record: whose each asset is, since when it has been as it is, and how it ended.
-- `turned_at` and `turned` begin the last run of versions that were running, closed or withdrawn as it is now.
select a.asset_id, u.unit_id, u.scheme, u.value, v.at as turned_at, v.version as turned,
       (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                  order by n.language, n.name), '[]') from unit_names n
        where n.unit_id = u.unit_id) as names,
       t.closed_on, t.stopped_on, t.rule, t.title, t.basis, t.reason, t.successor
from assets a
join units u on u.unit_id = a.sponsor_id
join lateral (
    select v.at, v.version from asset_versions v
    where v.asset_id = a.asset_id and v.version > coalesce((
        select max(w.version) from asset_versions w
        where w.asset_id = a.asset_id
          and (w.record->>'running', w.record->>'record' = 'closed', w.record->>'record' = 'withdrawn')
              is distinct from (a.running, a.record = 'closed', a.record = 'withdrawn')), 0)
    order by v.version limit 1
) v on true
left join tombstones t on t.asset_id = a.asset_id
where a.asset_id = any(:asset_ids::uuid[]);
