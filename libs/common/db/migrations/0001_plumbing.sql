-- Plumbing that every service's database holds.

-- Messages that wait for the relay. Rows leave when Kafka has acknowledged them.
create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key bytea,
    payload bytea,
    headers bytea not null,                                       -- MessagePack list of (name, bytes or nil)
    written timestamptz not null default clock_timestamp()        -- machine time
);
alter table outbox set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Event ids whose effect is already in this database: an event arrives at least once and acts once.
create table inbox (
    consumer text not null,
    event_id text not null,
    seen timestamptz not null default clock_timestamp(),          -- machine time
    primary key (consumer, event_id)
);
create index inbox_seen on inbox (seen);

-- The stepped business clock, one row, never going back.
create table business_clock (
    only_row boolean primary key default true check (only_row),
    instant timestamptz not null
);

-- What this service could not take, with the reason; replayed by this service only.
create table dead_letters (
    topic text not null,
    partition int not null,
    "offset" bigint not null,
    event_id text,
    event_type text,
    key bytea,
    payload bytea,
    headers bytea not null,
    reason_code text not null,
    reason text not null,
    state text not null default 'dead' check (state in ('dead', 'replayed', 'discarded')),
    buried timestamptz not null default clock_timestamp(),        -- machine time
    primary key (topic, partition, "offset")
);

-- Offsets of streams that are folded: they move in the transaction that holds the effect.
create table consumer_offsets (
    consumer text not null,
    topic text not null,
    partition int not null,
    next_offset bigint not null check (next_offset >= 0),
    primary key (consumer, topic, partition)
);

-- Answers already given to a create that carried an Idempotency-Key.
create table http_idempotency (
    principal text not null,
    key text not null,
    fingerprint text not null,
    status int not null,
    body bytea not null,
    given timestamptz not null default clock_timestamp(),         -- machine time
    primary key (principal, key)
);
