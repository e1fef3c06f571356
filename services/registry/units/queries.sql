-- name: unit_by_key(scheme, key)^
-- A unit under its own code or an alias.
select u.* from units u join unit_aliases a using (unit_id) where a.scheme = :scheme and a.key = :key;

-- name: unit_get(unit_id)^
select * from units where unit_id = :unit_id;

-- name: unit_lock(unit_id)^
select * from units where unit_id = :unit_id for no key update;

-- name: unit_add(unit_id, scheme, value, parent_id, level, region, changed_at)$
insert into units (unit_id, version, scheme, value, parent_id, level, region, changed_at)
values (:unit_id, 1, :scheme, :value, :parent_id, :level, :region, :changed_at)
on conflict do nothing
returning true;

-- name: unit_change(unit_id, version, parent_id, level, region, changed_at)!
update units set version = :version, parent_id = :parent_id, level = :level, region = :region, changed_at = :changed_at
where unit_id = :unit_id;

-- name: unit_name_add(unit_id, language, name)$
insert into unit_names (unit_id, language, name) values (:unit_id, :language, :name) on conflict do nothing returning true;

-- name: unit_names(unit_id)
select language, name from unit_names where unit_id = :unit_id order by language, name;

-- name: unit_alias_add(scheme, key, unit_id)!
insert into unit_aliases (scheme, key, unit_id) values (:scheme, :key, :unit_id) on conflict do nothing;

-- name: unit_aliases(unit_id)
select scheme, key from unit_aliases where unit_id = :unit_id order by scheme, key;

-- name: unit_seen(unit_id, below)^
-- A unit, for a reader of all units or of one unit and those below it.
select * from units where unit_id = :unit_id and (:below::uuid is null or unit_id in (select units_below(:below)));

-- name: unit_list(unit_id, name, below, after, max_rows)
-- By a name's beginning without case, bounded by the last character of all: as `like` without its wildcards.
select u.*, (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                       order by n.language, n.name), '[]') from unit_names n
             where n.unit_id = u.unit_id) as names,
       (select coalesce(jsonb_agg(jsonb_build_object('scheme', a.scheme, 'value', a.key)
                                  order by a.scheme, a.key), '[]') from unit_aliases a
        where a.unit_id = u.unit_id) as aliases
from units u
where (:unit_id::uuid is null or u.unit_id = :unit_id)
  and (:name::text is null or u.unit_id in (
      select n.unit_id from unit_names n
      where lower(n.name) ~>=~ lower(:name) and lower(n.name) ~<~ (lower(:name) || chr(1114111))))
  and (:below::uuid is null or u.unit_id in (select units_below(:below)))
  and u.unit_id > :after::uuid
order by u.unit_id limit :max_rows;

-- name: unit_covers(above, below)$
-- Whether one unit is the other or is above it.
with recursive up as (
    select unit_id, parent_id from units where unit_id = :below
    union
    select u.unit_id, u.parent_id from units u join up on u.unit_id = up.parent_id
)
select exists (select 1 from up where unit_id = :above);
