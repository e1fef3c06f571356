-- What exists: units, assets with all their versions, disappearances under guard, imports, tombstones.

create table units (
    unit_id uuid primary key,
    version int not null check (version > 0),
    scheme text not null,
    value text not null,
    parent_id uuid references units,
    level text,
    region text,
    changed_at timestamptz not null,
    unique (scheme, value)
);
create index units_parent on units (parent_id);

create table unit_names (
    unit_id uuid not null references units,
    language text not null,
    name text not null,
    primary key (unit_id, language, name)
);

-- Other codes under which a unit is known; the key is compared without case and extra blanks.
create table unit_aliases (
    scheme text not null,
    key text not null,
    unit_id uuid not null references units,
    primary key (scheme, key)
);
create index unit_aliases_unit on unit_aliases (unit_id);

create table assets (
    asset_id uuid primary key,
    version int not null check (version > 0),
    kind text not null check (kind in ('app', 'account', 'group')),
    platform text not null,
    identity text not null,
    incarnation int not null check (incarnation > 0),
    address text not null,
    name text not null,
    language text not null,
    sponsor_id uuid not null references units,
    record text not null check (record in ('draft', 'in_review', 'filed', 'withdrawn', 'closed')),
    running text not null check (running in ('building', 'online', 'suspended', 'offline', 'gone')),
    source text not null,
    listed_on date not null,
    opened_on date,
    changed_at timestamptz not null,
    unique (kind, platform, identity, incarnation),
    check (record <> 'closed' or running = 'offline')   -- a closed record never belongs to a running thing
);
create index assets_sponsor on assets (sponsor_id);
create index assets_source on assets (source) where running <> 'gone';

create table asset_versions (
    asset_id uuid not null references assets,
    version int not null,
    at timestamptz not null,
    actor text not null,
    cause text not null,
    outcome text not null,
    record jsonb not null,
    primary key (asset_id, version)
);
comment on table asset_versions is 'append-only: what each version said, who changed it and why';

-- Disappearances, counted per source and rolling day; beyond the limit they wait for a person.
create table disappearances (
    disappearance_id uuid primary key,
    source text not null,
    asset_id uuid not null references assets,
    at timestamptz not null,
    cause text not null,
    state text not null check (state in ('applied', 'held', 'dropped')),
    decided_by text,
    reason text
);
create index disappearances_rate on disappearances (source, at) where state = 'applied';
create index disappearances_held on disappearances (at) where state = 'held';
create unique index disappearances_one_held on disappearances (asset_id) where state = 'held';

create table imports (
    import_id uuid primary key,
    source text not null,
    stated_on date not null,
    sha256 text not null,
    row_count int not null,
    complete boolean not null,
    actor text not null,
    at timestamptz not null,
    summary jsonb not null
);
comment on table imports is 'append-only: files that were applied, and what came of them';

-- Answers given to intake events over HTTP: a repeated event gets the same one.
create table intake_outcomes (
    event_source text not null,
    event_id text not null,
    outcome text not null,
    asset_id uuid not null,
    primary key (event_source, event_id)
);
comment on table intake_outcomes is 'append-only: what each event did';

create table tombstones (
    asset_id uuid primary key references assets,
    case_id uuid not null,
    closed_on date not null,
    stopped_on date not null,
    rule text not null,
    reason text not null,
    successor text,
    plan_sha256 text not null,
    archive_sha256 text not null
);
comment on table tombstones is 'append-only: closed assets, for ever';
