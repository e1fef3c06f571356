-- name: tombstone_add(record)!
-- Of `record`, the event, the fields that have the names of the table's columns are kept.
insert into tombstones select * from jsonb_populate_record(null::tombstones, :record::text::jsonb) on conflict do nothing;

-- name: tombstone_get(asset_id)^
select t.*, a.kind, a.name, a.platform, a.address, a.identity, a.sponsor_id as unit_id, u.scheme, u.value,
       (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                  order by n.language, n.name), '[]') from unit_names n
        where n.unit_id = u.unit_id) as names,
       (select n.asset_id from assets n
        where n.kind = a.kind and n.platform = a.platform and n.identity = a.identity
          and n.incarnation = a.incarnation + 1) as reopened_as
from tombstones t join assets a using (asset_id) join units u on u.unit_id = a.sponsor_id
where t.asset_id = :asset_id;
