-- Why a version came to be where that is more than its cause; what each import changed; permits to reopen.

alter table asset_versions add column note text;

-- An import that was cut off goes on where it stopped and still says what it did as a whole.
create table import_changes (
    import_id uuid not null,                 -- no foreign key: `imports` holds only what was finished
    asset_id uuid not null references assets,
    outcome text not null,
    primary key (import_id, asset_id)
);
comment on table import_changes is 'append-only: what each import did to which asset';

-- An operator lets a closed asset come back before its cooldown is over. It serves the one next life.
create table reopen_permits (
    asset_id uuid primary key references assets,
    permitted_by text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null
);
comment on table reopen_permits is 'append-only: exceptions from the cooldown, who granted them and why';
