-- Whose key a receipt is by: one row per address and key that was ever proposed, and who proved and confirmed it.

create table unit_keys (
    unit_id uuid not null,
    ordinal int not null check (ordinal > 0),
    url text not null,
    public_key jsonb not null,
    thumbprint text not null,
    set_by text not null,
    set_at timestamptz not null,
    primary key (unit_id, ordinal)
);
comment on table unit_keys is 'append-only: each address and key that was proposed for a unit, by whom and when';

create table unit_key_proofs (
    unit_id uuid not null,
    ordinal int not null,
    proof text not null,
    at timestamptz not null,
    primary key (unit_id, ordinal),
    foreign key (unit_id, ordinal) references unit_keys
);
comment on table unit_key_proofs is 'append-only: the challenge that the system at the address signed with the key';

create table unit_key_confirmations (
    unit_id uuid not null,
    ordinal int not null,
    confirmed_by text not null,
    at timestamptz not null,
    primary key (unit_id, ordinal),
    foreign key (unit_id, ordinal) references unit_keys
);
comment on table unit_key_confirmations is 'append-only: the second person, who is not the one who set it';

create table unit_key_tellings (
    unit_id uuid not null,
    ordinal int not null,
    attempt int not null check (attempt > 0),
    accepted boolean not null,
    why text,
    at timestamptz not null,
    primary key (unit_id, ordinal, attempt),
    foreign key (unit_id, ordinal) references unit_keys
);
comment on table unit_key_tellings is 'append-only: how the address before was told that another key is in force';

-- A key is in force from the later of proof and confirmation until the next one is; a proposal replaces nothing.
create view unit_key_states as
select s.*,
       min(s.in_force_from) over (
           partition by s.unit_id order by s.ordinal rows between 1 following and unbounded following
       ) as retired_at
from (
    select k.*, p.at as proved_at, c.confirmed_by, c.at as confirmed_at,
           case when p.at is not null and c.at is not null then greatest(p.at, c.at) end as in_force_from
    from unit_keys k
    left join unit_key_proofs p using (unit_id, ordinal)
    left join unit_key_confirmations c using (unit_id, ordinal)
) s;

-- What one operator had set is a proposal like any other: it proves no notice until it is proved and confirmed.
insert into unit_keys (unit_id, ordinal, url, public_key, thumbprint, set_by, set_at)
select e.unit_id, 1, e.url, e.public_key,
       encode(sha256(convert_to('{"crv":"Ed25519","kty":"OKP","x":"' || (e.public_key->>'x') || '"}', 'UTF8')), 'hex'),
       coalesce(c.actor, 'unknown'), coalesce(c.at, 'epoch')
from endpoints e
left join lateral (
    select s.actor, s.at from setup_changes s
    where s.what = 'endpoint' and s.which = e.unit_id::text order by s.change_id desc limit 1
) c on true;

-- Address and key are in unit_keys from here on; the columns go a release later, and nobody reads them any more.
-- squawk-ignore ban-drop-not-null
alter table endpoints alter column url drop not null, alter column public_key drop not null;

-- The key that was in force when the notice was sent; null where none was, or before this was kept.
alter table notices add column key_unit uuid, add column key_ordinal int;
