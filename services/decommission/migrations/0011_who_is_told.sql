-- Which address is told that another key is in force: the one where the unit's notices went until then, which is its own
-- before, or where it had none that of a unit above it. Noted when the key comes into force, so that nobody searches for it.

create table unit_key_owed (
    unit_id uuid not null,
    ordinal int not null,
    before_unit uuid not null,
    before_ordinal int not null,
    primary key (unit_id, ordinal),
    foreign key (unit_id, ordinal) references unit_keys,
    foreign key (before_unit, before_ordinal) references unit_keys (unit_id, ordinal)
);
comment on table unit_key_owed is 'append-only: who is to be told that a key has come into force, by the key held there';

insert into unit_key_owed (unit_id, ordinal, before_unit, before_ordinal)
select k.unit_id, k.ordinal, k.unit_id, max(b.ordinal)
from unit_key_states k join unit_key_states b on b.unit_id = k.unit_id and b.ordinal < k.ordinal
where k.in_force_from is not null and b.in_force_from is not null
group by k.unit_id, k.ordinal;
