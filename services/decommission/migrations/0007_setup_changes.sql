-- Who changed where notices go and how a platform is stopped: without it nobody could say whose key a receipt is by.

create table setup_changes (
    change_id bigint generated always as identity primary key,
    what text not null check (what in ('endpoint', 'connector')),
    which text not null,
    -- null the first time; a key by its fingerprint, and no contact: where only that changed the two are the same
    before jsonb,
    after jsonb not null,
    actor text not null,
    at timestamptz not null
);
comment on table setup_changes is 'append-only: who changed an endpoint or a connector, from what to what';
