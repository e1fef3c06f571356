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

-- There are some tens of thousands of units, and as many assets of each as a person could look at.
-- squawk-ignore require-concurrent-index-creation
create index units_parent on units (parent_id);
-- squawk-ignore require-concurrent-index-creation
create index units_code on units (scheme, lower(value));
-- squawk-ignore require-concurrent-index-creation
create index subjects_sponsor on subjects (sponsor_id);
