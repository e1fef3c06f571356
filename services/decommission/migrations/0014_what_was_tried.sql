-- Calls by which somebody tried an address that was set up. They prove nothing of any case, and stand in no log.

create table setup_tests (
    test_id bigint generated always as identity primary key,
    what text not null check (what in ('endpoint', 'connector')),
    which text not null,
    part text not null check (part in ('notice', 'stop', 'restore', 'probe')),
    actor text not null,
    at timestamptz not null,
    begun timestamptz not null default clock_timestamp()          -- machine time
);
comment on table setup_tests is 'append-only: who tried which address, and when';
create index setup_tests_of on setup_tests (what, which, test_id desc);

-- A test without a row here was cut off: what was heard is not known.
create table setup_test_results (
    test_id bigint primary key references setup_tests,
    status int check (status between 100 and 999),
    took_ms int not null check (took_ms >= 0),
    why text,                                                     -- why there was no answer
    check ((status is null) <> (why is null))
);
comment on table setup_test_results is 'append-only: what was heard when an address was tried';
