-- What the handlers of these tests leave behind: one row per effect, and things with a version.
create table effects (
    n bigint generated always as identity primary key,
    topic text not null,
    event_id text not null,
    thing text not null,
    value int not null
);
create table things (thing text primary key, version int not null default 0);
create table journal (line text not null);
comment on table journal is 'append-only: lines are never changed';
