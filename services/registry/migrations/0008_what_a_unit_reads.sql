-- A unit and all below it: what a unit's token reads.

create function units_below(top uuid) returns setof uuid
language sql stable as $$
    with recursive down as (
        select top as unit_id
        union
        select u.unit_id from units u join down on u.parent_id = down.unit_id
    )
    select unit_id from down
$$;
