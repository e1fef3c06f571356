-- name: listed_assets(source, kinds)
select asset_id, kind, platform, identity, stated_on from assets
where source = :source and kind = any(:kinds::text[]) and running <> 'gone' and record <> 'closed' order by asset_id;

-- name: import_add(record, summary)!
-- `record` has the table's columns by their names.
insert into imports select * from jsonb_populate_record(
    null::imports, :record::text::jsonb || jsonb_build_object('summary', :summary::text::jsonb)
) on conflict do nothing;

-- name: import_get(import_id)^
select actor, at, summary::text as summary from imports where import_id = :import_id;

-- name: import_changes_add(import_id, asset_ids, outcomes)!
insert into import_changes (import_id, asset_id, outcome)
select :import_id, changed.asset_id, changed.outcome
from unnest(:asset_ids::uuid[], :outcomes::text[]) as changed (asset_id, outcome)
on conflict do nothing;

-- name: import_changes(import_id)
select asset_id, outcome from import_changes where import_id = :import_id;
