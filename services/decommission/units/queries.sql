-- name: unit_put(unit_id, version, parent_id, scheme, value, name)!
-- Only a higher version than the one held is taken, or the same where its name is not held yet.
insert into units (unit_id, version, parent_id, scheme, value, name)
values (:unit_id, :version, :parent_id, :scheme, :value, :name)
on conflict (unit_id) do update set
    version = excluded.version, parent_id = excluded.parent_id, scheme = excluded.scheme, value = excluded.value,
    name = excluded.name
where units.version < excluded.version or (units.version = excluded.version and units.name is null);

-- name: unit_get(unit_id)^
select unit_id, scheme, value, name from units where unit_id = :unit_id;

-- name: units_without_name()$
-- Whether the units have to be read again: they were read when their names were not kept.
select exists(select from units where name is null);

-- name: unit_covers(scheme, key, below)$
-- Whether the unit of a token is this unit or stands above it.
with recursive up as (
    select unit_id, parent_id, scheme, value from units where unit_id = :below
    union
    select u.unit_id, u.parent_id, u.scheme, u.value from units u join up on u.unit_id = up.parent_id
)
select exists (select 1 from up where scheme = :scheme and lower(value) = lower(:key));

-- name: unit_by_code(scheme, key)$
select unit_id from units where scheme = :scheme and lower(value) = lower(:key);

-- name: unit_lock(text_)$
-- Disposals of one unit's assets wait for each other, so that the last one knows that it is.
select pg_advisory_xact_lock(hashtextextended('unit ' || :text_, 0));
