-- A sender of whom too much was refused is set aside: its records are parked, unjudged, until an operator releases it.
create table senders_aside (
    topic text not null,
    sender text not null,                                         -- issuer|subject of a token, or what stands for none
    since timestamptz not null default clock_timestamp(),         -- machine time
    reason_code text not null,                                    -- of the refusal that went over the bound
    reason text not null,
    primary key (topic, sender)
);

-- What of it was not kept: of a flood only the places are, by which it can be read again while the broker has it.
create table parked_ranges (
    topic text not null,
    sender text not null,
    partition int not null,
    first_offset bigint not null,
    last_offset bigint not null,
    records bigint not null check (records > 0),
    primary key (topic, sender, partition),
    foreign key (topic, sender) references senders_aside on delete cascade
);

alter table dead_letters add column sender text;                  -- of a parked record

-- The new list of states holds the old one; the table is small, since a person looks at each row.
-- squawk-ignore ban-drop-constraint
alter table dead_letters drop constraint dead_letters_state_check;
alter table dead_letters
-- squawk-ignore constraint-missing-not-valid
add constraint dead_letters_state_check check (state in ('dead', 'replayed', 'discarded', 'parked'));
-- squawk-ignore require-concurrent-index-creation
create index dead_letters_parked on dead_letters (topic, sender, partition, "offset") where state = 'parked';
