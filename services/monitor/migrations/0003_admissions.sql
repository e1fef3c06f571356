-- Who may speak of what. A source is admitted by an operator; what stood in `sources` before is not admitted, so that
-- its silence proves nothing until somebody has said what it covers and who speaks for it.

-- In force on a day is the highest version whose `since` is not after it; one that is not `admitted` is a withdrawal.
create table admissions (
    source text not null,
    version int not null check (version > 0),
    since date not null,
    admitted boolean not null,
    agents text[] not null,                        -- identities of tokens, `issuer|subject` in small letters
    measures text[] not null,
    everything boolean not null,
    units uuid[],                                  -- these four narrow what is covered; null: not narrowed by it
    platforms text[],
    kinds text[],
    assets uuid[],
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    primary key (source, version),
    check (not admitted or (agents <> '{}' and measures <> '{}')),
    check (not admitted or everything = (num_nonnulls(units, platforms, kinds, assets) = 0))
);
comment on table admissions is 'append-only: who admitted a source, for whom and what, and since when';

create table source_changes (
    change_id bigint generated always as identity primary key,
    source text not null,
    what text not null check (what in ('terms', 'admission', 'withdrawal')),
    before jsonb,                                  -- null the first time
    after jsonb not null,
    actor text not null,
    at timestamptz not null
);
comment on table source_changes is 'append-only: who changed what a source may do, from what to what';
create index source_changes_source on source_changes (source, change_id);

-- The days on which a source was admitted, kept beside the versions since every judgement needs them.
alter table sources add column admitted datemultirange not null default '{}';

-- Null: told by a register that did not say so yet, and covered by no unit. The register is read again to fill it.
alter table assets add column sponsor_id uuid;

-- The tree of units, for what is covered by subtree.
create table units (
    unit_id uuid primary key,
    version int not null,
    parent_id uuid
);

-- Of the assets that a day's statement names: those that the admission covered, and how many it did not.
alter table source_days add column within bytea;           -- a key of `covers`
alter table source_days add column beyond int not null default 0;
alter table source_days add column stated_by text;

-- The last day on which the source named the asset and was admitted for it, whether or not the day was whole.
alter table vouched add column stated_on date;
update vouched set stated_on = upper(days) - 1;

-- Gauges, each source's reading for itself: who comes second replaces nothing that another source read. They were in
-- `gauge_days`, which only the release before this one still writes.
create table readings (
    asset_id uuid not null,
    measure text not null,
    day date not null,
    source text not null,
    value bigint not null,
    ts bigint not null,                            -- milliseconds since 1970, as the agent gave it
    primary key (asset_id, measure, day, source)
) with (fillfactor = 80);
insert into readings (asset_id, measure, day, source, value, ts)
select asset_id, measure, day, source, value, ts from gauge_days;

-- Whose word a finding's silence rested on when it was opened.
alter table findings add column agents text[] not null default '{}';

-- Whether an admission covers an asset; what is not known of the asset is not covered.
create function covers_asset(m admissions, asset_id uuid, kind text, platform text, above uuid[]) returns boolean
language sql immutable as $$
    select coalesce(
        (m.assets is null or asset_id = any(m.assets)) and (m.kinds is null or kind = any(m.kinds))
        and (m.platforms is null or platform = any(m.platforms)) and (m.units is null or m.units && above), false)
$$;
