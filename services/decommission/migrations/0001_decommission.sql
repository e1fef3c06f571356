-- What ends: cases and their logs, plans and approvals, effects, alarms, and copies of what the registry says.

create table subjects (
    asset_id uuid primary key,
    version int not null,
    kind text not null,
    platform text not null,
    identity text not null,
    address text not null,
    name text not null,
    sponsor_id uuid not null,
    record text not null,
    running text not null
);

create table units (
    unit_id uuid primary key,
    version int not null,
    parent_id uuid,
    scheme text not null,
    value text not null
);

-- Where a unit's notices go. A person's contact lives here and nowhere else.
create table endpoints (
    unit_id uuid primary key,
    url text not null,
    public_key jsonb not null,
    contact text,
    honours_keys boolean not null default true
);

create table connectors (
    platform text primary key,
    stop_url text not null,
    restore_url text not null,
    probe_url text not null,
    honours_keys boolean not null
);

create table cases (
    case_id uuid primary key,
    asset_id uuid not null,
    ordinal int not null check (ordinal > 0),
    finding_id uuid not null,
    rule text not null,
    state text not null,
    version int not null,
    due_at timestamptz,
    opened_at timestamptz not null,
    windows jsonb not null,
    unique (asset_id, ordinal)
);
-- at most one open case per asset
create unique index cases_one_open on cases (asset_id) where state not in ('closed', 'ended', 'restored');
create index cases_due on cases (due_at, asset_id) where due_at is not null;
create index cases_state on cases (state);

create table case_log (
    case_id uuid not null references cases,
    seq int not null check (seq > 0),
    at timestamptz not null,
    actor text not null,
    kind text not null,
    data jsonb not null,
    previous text not null,
    sha256 text not null,
    trace text,
    primary key (case_id, seq)
);
comment on table case_log is 'append-only: what happened to a case, each entry covering the one before';

create table findings (
    finding_id uuid primary key,
    case_id uuid not null references cases,
    evidence jsonb not null,
    evidence_sha256 text not null,
    cleared boolean not null default false
);
create index findings_case on findings (case_id);

-- Every external effect, written before it is tried; one key each, for ever.
create table effects (
    key uuid primary key,
    case_id uuid not null references cases,
    step text not null,
    ordinal int not null,
    state text not null check (state in ('started', 'done', 'failed', 'unknown')),
    result jsonb,
    unique (case_id, step, ordinal)
);

create table notices (
    case_id uuid primary key references cases,
    body text not null,
    sha256 text not null,
    unit_id uuid,
    receipt text,
    public_key jsonb
);

create table plans (
    plan_id uuid primary key,
    sealed_on date not null unique,
    content text not null,
    sha256 text not null,
    state text not null check (state in ('sealed', 'approved', 'altered')),
    sealed_at timestamptz not null
);

create table plan_members (
    plan_id uuid not null references plans,
    case_id uuid not null references cases,
    asset_id uuid not null,
    unit_id uuid not null,
    kind text not null,
    primary key (plan_id, case_id)
);
comment on table plan_members is 'append-only: which cases a plan was sealed with';

create table approvals (
    plan_id uuid not null references plans,
    approver text not null,
    sha256 text not null,
    at timestamptz not null,
    primary key (plan_id, approver)
);
comment on table approvals is 'append-only: who signed which hash';

create table mandates (
    mandate_id uuid primary key,
    rule text not null,
    max_per_day int not null check (max_per_day >= 0),
    until date not null,
    proposed_by text not null,
    proposed_at timestamptz not null
);
comment on table mandates is 'append-only: standing approvals, each with a rule, a limit and an end';

create table mandate_approvals (
    mandate_id uuid not null references mandates,
    approver text not null,
    at timestamptz not null,
    primary key (mandate_id, approver)
);
comment on table mandate_approvals is 'append-only: who signed a mandate';

-- Places of a day under the limits, taken in the order (due, asset id) before the last recheck is asked.
create table slots (
    day date not null,
    case_id uuid not null references cases,
    unit_id uuid not null,
    kind text not null,
    primary key (day, case_id)
);
comment on table slots is 'append-only: who may be stopped on which day';

create table archives (
    case_id uuid primary key references cases,
    sha256 text not null,
    files int not null,
    checks jsonb not null,
    at timestamptz not null
);

create table alarms (
    alarm_id uuid primary key,
    case_id uuid,
    kind text not null,
    text_zh text not null,
    text_en text not null,
    at timestamptz not null
);
comment on table alarms is 'append-only: what a person must look at';

create table controls (
    only_row boolean primary key default true check (only_row),
    released_until timestamptz,
    killed boolean not null default false
);
insert into controls default values;
