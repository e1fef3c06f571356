-- name: unit_put(unit_id, version, parent_id, scheme, value, name)!
-- Only a higher version than the current one is taken, or the same where its code or name is not stored yet.
insert into units as u (unit_id, version, parent_id, scheme, value, name)
values (:unit_id, :version, :parent_id, :scheme, :value, :name)
on conflict (unit_id) do update set
    version = excluded.version, parent_id = excluded.parent_id, scheme = excluded.scheme, value = excluded.value,
    name = excluded.name
where u.version < excluded.version or (u.version = excluded.version and (u.scheme is null or u.name is null));

-- name: units_incomplete()$
-- Whether the topic of units has to be read again: it was read when codes or names were not kept.
select exists(select from units where scheme is null or name is null);

-- name: unit_by_code(scheme, key)$
select unit_id from units where scheme = :scheme and lower(value) = lower(:key);

-- name: units_unknown(units)
-- Those of a list that the register has not recorded, or not yet.
select named.unit_id from unnest(:units::uuid[]) as named (unit_id)
where not exists(select from units u where u.unit_id = named.unit_id)
order by named.unit_id;
