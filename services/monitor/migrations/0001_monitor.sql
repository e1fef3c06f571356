-- What the monitor holds. Days are calendar days of the deployment's zone. No table names a person: distinct users
-- exist only as sketches, and nothing is added up by unit.

-- The monitor's own copy of the register; only a higher version replaces what is held.
create table assets (
    asset_id uuid primary key,
    version int not null check (version > 0),
    kind text not null check (kind in ('app', 'account', 'group')),
    platform text not null,
    identity text not null,
    address text not null,
    name text not null,
    record text not null check (record in ('draft', 'in_review', 'filed', 'withdrawn', 'closed')),
    running text not null check (running in ('building', 'online', 'suspended', 'offline', 'gone')),
    source text not null,
    listed_on date not null,
    opened_on date
);

-- Assets that a case has stopped. A table of its own, since a case may speak before the register does.
create table stops (
    asset_id uuid primary key,
    case_id uuid not null,
    stopped boolean not null
);

-- What is swept: accounts that are on paper and in the world, and that no case has stopped.
create view watched_assets as
select a.* from assets a
where a.kind = 'account'
    and a.record not in ('withdrawn', 'closed')
    and a.running not in ('offline', 'gone')
    and a.asset_id not in (select s.asset_id from stops s where s.stopped);

-- Counters: what was counted of one asset on one day. No foreign key: usage may come before the register.
create table usage_days (
    asset_id uuid not null,
    measure text not null,
    day date not null,
    total bigint not null check (total >= 0),
    users bytea,                                   -- HyperLogLog sketch of distinct users; nobody can be read from it
    users_estimate int,
    primary key (asset_id, measure, day)
) with (fillfactor = 80);
create index usage_days_posts on usage_days (asset_id, day) where measure = 'posts' and total > 0;

-- Gauges: the latest reading of a day stands for the day.
create table gauge_days (
    asset_id uuid not null,
    measure text not null,
    day date not null,
    value bigint not null,
    ts bigint not null,                            -- milliseconds since 1970, as the agent gave it
    source text not null,
    primary key (asset_id, measure, day)
) with (fillfactor = 80);

-- Sources and how they are judged. `version` counts the changes of health that were told.
create table sources (
    source text primary key,
    rhythm_days int not null default 1 check (rhythm_days between 1 and 31),
    floor_share numeric not null default 0.8 check (floor_share between 0 and 1),
    lookback_days int not null default 7 check (lookback_days between 1 and 60),
    configured_on date not null,
    healthy boolean not null default true,
    reason text not null default '',
    judged_on date,
    version int not null default 0
);

-- Lists of covered assets, kept once however many days repeat them; the key is the SHA-256 of the sorted ids.
create table covers (
    cover bytea primary key check (length(cover) = 32),
    assets uuid[] not null
);

-- One day of one source: what arrived, what it stated, and whether its silence is being counted as silence.
create table source_days (
    source text not null,
    day date not null,
    received bigint not null default 0 check (received >= 0),
    stated bigint check (stated >= 0),
    revision int not null default 0,
    covered int,
    cover bytea references covers (cover),
    counted bytea references covers (cover),       -- the list now held in `vouched`; null while the day is not whole
    primary key (source, day),
    check ((stated is null) = (cover is null))
) with (fillfactor = 80);
create index source_days_day on source_days (day);

-- Per asset and source: the days on which the source covered the asset and all it had sent had arrived.
create table vouched (
    asset_id uuid not null,
    source text not null,
    days datemultirange not null,
    primary key (asset_id, source)
) with (fillfactor = 70);

-- Verdicts by change: a row holds from its first day until the day before `until_day`.
create table verdicts (
    asset_id uuid not null,
    from_day date not null,
    until_day date check (until_day >= from_day),
    verdict text not null check (verdict in ('ACTIVE', 'IDLE', 'ZOMBIE', 'UNKNOWN')),
    rule text,
    primary key (asset_id, from_day)
);
create unique index verdicts_current on verdicts (asset_id) where until_day is null;

-- One row per business day: repeating a sweep answers with what the first one found.
create table sweeps (
    day date primary key,
    healthy text[] not null,
    packs jsonb not null,
    reached uuid,                                  -- assets up to this id are done
    finished boolean not null default false,
    counts jsonb not null
);

create table findings (
    finding_id uuid primary key,
    asset_id uuid not null,
    rule text not null,
    ordinal int not null check (ordinal > 0),
    state text not null check (state in ('open', 'cleared')),
    verdict text not null,
    proposal text not null,
    pack text not null,
    pack_version text not null,
    condition text not null,
    basis text not null,
    label text not null,
    clears_when text not null,
    signals jsonb not null,
    opened_on date not null,
    opened_at timestamptz not null,
    cleared_on date,
    cleared_at timestamptz,
    cleared_because text,
    unique (asset_id, rule, ordinal),
    check ((state = 'cleared') = (cleared_on is not null))
);
create unique index findings_open on findings (asset_id, rule) where state = 'open';
create index findings_rule on findings (rule, finding_id);
