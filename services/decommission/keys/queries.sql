-- name: endpoint_for(unit_id, from_height)^
-- The address and key in force of the nearest unit from so many levels above this one: 0 is the unit itself.
with recursive up as (
    select :unit_id::uuid as unit_id, 0 as height
    union all
    select u.parent_id, up.height + 1 from units u join up using (unit_id)
    where u.parent_id is not null and up.height < 20
)
select k.unit_id, k.ordinal, k.url, k.public_key::text as public_key, k.thumbprint, k.set_by, k.set_at, k.proved_at,
       k.confirmed_by, k.confirmed_at, k.in_force_from, k.retired_at, coalesce(e.honours_keys, true) as honours_keys
from up join lateral (select * from unit_key_states s where s.unit_id = up.unit_id) k on true
left join endpoints e on e.unit_id = k.unit_id
where up.height >= :from_height and k.in_force_from is not null and k.retired_at is null
order by up.height limit 1;

-- name: endpoint_get(unit_id)^
select contact, honours_keys from endpoints where unit_id = :unit_id;

-- name: endpoint_put(unit_id, contact, honours_keys)!
insert into endpoints (unit_id, contact, honours_keys) values (:unit_id, :contact, :honours_keys)
on conflict (unit_id) do update set contact = excluded.contact, honours_keys = excluded.honours_keys;

-- name: unit_key_lock(text_)$
-- What is proposed, proved and confirmed for one unit waits for each other.
select pg_advisory_xact_lock(hashtextextended('unit key ' || :text_, 0));

-- name: unit_key_add(unit_id, ordinal, url, public_key, thumbprint, set_by, set_at)!
insert into unit_keys (unit_id, ordinal, url, public_key, thumbprint, set_by, set_at)
values (:unit_id, :ordinal, :url, :public_key::text::jsonb, :thumbprint, :set_by, :set_at);

-- name: unit_keys_of(unit_id)
-- All that was ever proposed for a unit, the newest first.
select k.unit_id, k.ordinal, k.url, k.public_key::text as public_key, k.thumbprint, k.set_by, k.set_at, k.proved_at,
       k.confirmed_by, k.confirmed_at, k.in_force_from, k.retired_at
from unit_key_states k where k.unit_id = :unit_id order by k.ordinal desc;

-- name: unit_key_prove(unit_id, ordinal, proof, at)!
insert into unit_key_proofs (unit_id, ordinal, proof, at) values (:unit_id, :ordinal, :proof, :at)
on conflict do nothing;

-- name: unit_key_confirm(unit_id, ordinal, by, at)!
insert into unit_key_confirmations (unit_id, ordinal, confirmed_by, at) values (:unit_id, :ordinal, :by, :at)
on conflict do nothing;

-- name: unit_key_owe(unit_id, ordinal, before_unit, before_ordinal)!
insert into unit_key_owed (unit_id, ordinal, before_unit, before_ordinal)
values (:unit_id, :ordinal, :before_unit, :before_ordinal) on conflict do nothing;

-- name: unit_keys_to_tell(morning, most)
-- Keys in force of which the address before has not heard, and was not tried since this morning.
select o.unit_id, o.ordinal, o.before_unit, o.before_ordinal, count(t.attempt) as attempts
from unit_key_owed o left join unit_key_tellings t using (unit_id, ordinal)
group by o.unit_id, o.ordinal
having not coalesce(bool_or(t.accepted), false) and count(t.attempt) < :most
   and coalesce(max(t.at) < :morning, true)
order by o.unit_id, o.ordinal;

-- name: unit_key_told(unit_id, ordinal, attempt, accepted, why, at)!
insert into unit_key_tellings (unit_id, ordinal, attempt, accepted, why, at)
values (:unit_id, :ordinal, :attempt, :accepted, :why, :at) on conflict do nothing;

-- name: contact_delete(unit_id)!
update endpoints set contact = null where unit_id = :unit_id;

-- name: cases_of_unit(unit_id, ordinal)
-- Cases short of their stop that a unit's new key changes something for: their notice may find this unit or one below
-- it, or went last to another key while it would go to this unit's now, or was proved by this unit's key before.
with recursive down as (
    select :unit_id::uuid as unit_id, true as nearest
    union
    select u.unit_id, d.nearest and not exists (
        select 1 from unit_key_states k
        where k.unit_id = u.unit_id and k.in_force_from is not null and k.retired_at is null
    )
    from units u join down d on u.parent_id = d.unit_id
)
select c.case_id from cases c join subjects s using (asset_id) left join down on down.unit_id = s.sponsor_id
left join lateral (select n.unit_id, n.key_unit, n.key_ordinal from notices n where n.case_id = c.case_id
                   order by n.ordinal desc limit 1) n on true
where (c.state in ('noticing', 'undelivered') and down.unit_id is not null)
   or (c.state in ('noticing', 'undelivered', 'answering', 'fixing', 'ready', 'planned', 'approved', 'announced',
                   'archived', 'rechecking', 'needs_person')
       and (n.unit_id = :unit_id or down.nearest)
       and (n.key_unit, n.key_ordinal) is distinct from (:unit_id::uuid, :ordinal::int))
order by c.case_id;
