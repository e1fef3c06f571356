-- name: assets_unlooked(looks_by, max_rows)
-- Assets whose look-alikes are not kept, or by another table; locked, so that no later name is overwritten.
select asset_id, identity, address, name from assets where looks_by is distinct from :looks_by
limit :max_rows for no key update;

-- name: asset_looks(asset_ids, looks, looks_by)!
update assets a set looks = string_to_array(l.looks, ' '), looks_by = :looks_by
from unnest(:asset_ids::uuid[], :looks::text[]) as l (asset_id, looks) where a.asset_id = l.asset_id;
