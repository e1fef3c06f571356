-- name: unit_by_key(scheme, key)^
-- A unit under its own code or an alias.
select u.* from units u join unit_aliases a using (unit_id) where a.scheme = :scheme and a.key = :key;

-- name: unit_get(unit_id)^
select * from units where unit_id = :unit_id;

-- name: unit_lock(unit_id)^
select * from units where unit_id = :unit_id for no key update;

-- name: unit_add(unit_id, scheme, value, parent_id, level, region, changed_at)$
insert into units (unit_id, version, scheme, value, parent_id, level, region, changed_at)
values (:unit_id, 1, :scheme, :value, :parent_id, :level, :region, :changed_at)
on conflict do nothing
returning true;

-- name: unit_change(unit_id, version, parent_id, level, region, changed_at)!
update units set version = :version, parent_id = :parent_id, level = :level, region = :region, changed_at = :changed_at
where unit_id = :unit_id;

-- name: unit_name_add(unit_id, language, name)$
insert into unit_names (unit_id, language, name) values (:unit_id, :language, :name) on conflict do nothing returning true;

-- name: unit_names(unit_id)
select language, name from unit_names where unit_id = :unit_id order by language, name;

-- name: unit_alias_add(scheme, key, unit_id)!
insert into unit_aliases (scheme, key, unit_id) values (:scheme, :key, :unit_id) on conflict do nothing;

-- name: unit_aliases(unit_id)
select scheme, key from unit_aliases where unit_id = :unit_id order by scheme, key;

-- name: unit_seen(unit_id, below)^
-- A unit, for who may look at all or at one unit and those below it.
select * from units where unit_id = :unit_id and (:below::uuid is null or unit_id in (select units_below(:below)));

-- name: unit_list(unit_id, name, below, after, max_rows)
-- By a name's beginning without case, bounded by the last character of all: as `like` without its wildcards.
select u.*, (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                       order by n.language, n.name), '[]') from unit_names n
             where n.unit_id = u.unit_id) as names,
       (select coalesce(jsonb_agg(jsonb_build_object('scheme', a.scheme, 'value', a.key)
                                  order by a.scheme, a.key), '[]') from unit_aliases a
        where a.unit_id = u.unit_id) as aliases
from units u
where (:unit_id::uuid is null or u.unit_id = :unit_id)
  and (:name::text is null or u.unit_id in (
      select n.unit_id from unit_names n
      where lower(n.name) ~>=~ lower(:name) and lower(n.name) ~<~ (lower(:name) || chr(1114111))))
  and (:below::uuid is null or u.unit_id in (select units_below(:below)))
  and u.unit_id > :after::uuid
order by u.unit_id limit :max_rows;

-- name: unit_covers(above, below)$
-- Whether one unit is the other or stands above it.
with recursive up as (
    select unit_id, parent_id from units where unit_id = :below
    union
    select u.unit_id, u.parent_id from units u join up on u.unit_id = up.parent_id
)
select exists (select 1 from up where unit_id = :above);

-- name: identity_lock(text_)$
-- Two declarations of one thing wait for each other, even before a row exists.
select pg_advisory_xact_lock(hashtextextended(:text_, 0));

-- name: identities_lock(texts)
-- The same for many at once, always in one order, so that two imports never wait for each other in a circle.
select pg_advisory_xact_lock(hashtextextended(t, 0)) from (select t from unnest(:texts::text[]) as t order by t offset 0) as o;

-- name: asset_latest(kind, platform, identity)^
select * from assets where kind = :kind and platform = :platform and identity = :identity
order by incarnation desc limit 1 for no key update;

-- name: asset_peek(kind, platform, identity)^
select * from assets where kind = :kind and platform = :platform and identity = :identity
order by incarnation desc limit 1;

-- name: assets_latest(kinds, platforms, identities)
-- The latest life of each of many, for looking only.
select distinct on (a.kind, a.platform, a.identity) a.*
from unnest(:kinds::text[], :platforms::text[], :identities::text[]) as w (kind, platform, identity)
join assets a on a.kind = w.kind and a.platform = w.platform and a.identity = w.identity
order by a.kind, a.platform, a.identity, a.incarnation desc;

-- name: assets_by_identity(kinds, platform, identity, apart)
-- For the public question whether an address is official: the latest life of whatever goes by an identity. Without a
-- platform an identity that begins with a host will do, but of no platform `apart`, whose names may look like hosts.
select distinct on (kind, platform) * from assets
where kind = any(:kinds::text[]) and identity = :identity
  and (platform = :platform or :platform::text is null and platform <> all(:apart::text[]))
order by kind, platform, incarnation desc;

-- name: assets_alike(tokens, platform, apart, max_rows)
-- The latest lives of what looks like an address or a name, those that run before the others. Token by token, so that
-- what many are called takes no more than `max_rows` of them; each is compared once more by who asks.
select distinct on (a.running <> 'online', a.asset_id) a.* from unnest(:tokens::text[]) as t (token)
cross join lateral (
    select * from assets f
    where f.looks @> array[t.token]
      and (f.platform = :platform or :platform::text is null and f.platform <> all(:apart::text[]))
      and not exists (select from assets later
                      where later.kind = f.kind and later.platform = f.platform and later.identity = f.identity
                        and later.incarnation > f.incarnation)
    order by f.running <> 'online', f.asset_id limit :max_rows
) a
order by a.running <> 'online', a.asset_id limit :max_rows;

-- name: assets_told(asset_ids)
-- What the public is told beside the record: whose each asset is, since when it has been as it is, and how it ended.
-- `turned_at` and `turned` begin the last run of versions that were running, closed or withdrawn as it is now.
select a.asset_id, u.unit_id, u.scheme, u.value, v.at as turned_at, v.version as turned,
       (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                  order by n.language, n.name), '[]') from unit_names n
        where n.unit_id = u.unit_id) as names,
       t.closed_on, t.stopped_on, t.rule, t.title, t.basis, t.reason, t.successor
from assets a
join units u on u.unit_id = a.sponsor_id
join lateral (
    select v.at, v.version from asset_versions v
    where v.asset_id = a.asset_id and v.version > coalesce((
        select max(w.version) from asset_versions w
        where w.asset_id = a.asset_id
          and (w.record->>'running', w.record->>'record' = 'closed', w.record->>'record' = 'withdrawn')
              is distinct from (a.running, a.record = 'closed', a.record = 'withdrawn')), 0)
    order by v.version limit 1
) v on true
left join tombstones t on t.asset_id = a.asset_id
where a.asset_id = any(:asset_ids::uuid[]);

-- name: assets_unlooked(looks_by, max_rows)
-- Assets whose look-alikes are not kept, or by another table; locked, so that no later name is overwritten.
select asset_id, identity, address, name from assets where looks_by is distinct from :looks_by
limit :max_rows for no key update;

-- name: asset_looks(asset_ids, looks, looks_by)!
update assets a set looks = string_to_array(l.looks, ' '), looks_by = :looks_by
from unnest(:asset_ids::uuid[], :looks::text[]) as l (asset_id, looks) where a.asset_id = l.asset_id;

-- name: asset_lock(asset_id)^
select * from assets where asset_id = :asset_id for no key update;

-- name: asset_get(asset_id)^
select * from assets where asset_id = :asset_id;

-- name: asset_seen(asset_id, below)^
-- An asset, for who may look at all or at those of one unit and below it.
select * from assets
where asset_id = :asset_id and (:below::uuid is null or sponsor_id in (select units_below(:below)));

-- name: asset_put(asset_id, version, kind, platform, identity, incarnation, address, name, language, sponsor_id, record, running, source, listed_on, opened_on, changed_at, stated_on, looks, looks_by, actor, cause, outcome, note, whole)!
-- The current record and its version, in one round trip.
with current as (
    insert into assets (asset_id, version, kind, platform, identity, incarnation, address, name, language, sponsor_id,
                        record, running, source, listed_on, opened_on, changed_at, stated_on, looks, looks_by)
    values (:asset_id, :version, :kind, :platform, :identity, :incarnation, :address, :name, :language, :sponsor_id,
            :record, :running, :source, :listed_on, :opened_on, :changed_at, :stated_on, :looks::text[], :looks_by)
    on conflict (asset_id) do update set
        version = excluded.version, address = excluded.address, name = excluded.name, language = excluded.language,
        sponsor_id = excluded.sponsor_id, record = excluded.record, running = excluded.running,
        source = excluded.source, opened_on = excluded.opened_on, changed_at = excluded.changed_at,
        stated_on = excluded.stated_on, looks = excluded.looks, looks_by = excluded.looks_by
)
insert into asset_versions (asset_id, version, at, actor, cause, outcome, note, record)
values (:asset_id, :version, :changed_at, :actor, :cause, :outcome, :note, :whole::text::jsonb);

-- name: assets_stated(asset_ids, on_)!
-- Rows are locked in the order of their ids, as everywhere.
with said as (
    select asset_id from assets where asset_id = any(:asset_ids::uuid[]) and stated_on < :on_
    order by asset_id for no key update
)
update assets a set stated_on = :on_ from said where a.asset_id = said.asset_id;

-- name: version_list(asset_id, below, after, max_rows)
-- A unit reads the versions in which the asset was its own, or of a unit below it.
select version, at, actor, cause, outcome, note, record::text as record from asset_versions
where asset_id = :asset_id and version > :after
  and (:below::uuid is null or (record->>'sponsor_id')::uuid in (select units_below(:below)))
order by version limit :max_rows;

-- name: asset_list(kind, platform, sponsor, running, record, source, below, after, max_rows)
select * from assets
where (:kind::text is null or kind = :kind) and (:platform::text is null or platform = :platform)
  and (:sponsor::uuid is null or sponsor_id = :sponsor) and (:running::text is null or running = :running)
  and (:record::text is null or record = :record) and (:source::text is null or source = :source)
  and (:below::uuid is null or sponsor_id in (select units_below(:below)))
  and asset_id > :after::uuid
order by asset_id limit :max_rows;

-- name: asset_counts(below)
select kind, platform, record, running, count(*) as assets from assets
where :below::uuid is null or sponsor_id in (select units_below(:below))
group by 1, 2, 3, 4 order by 1, 2, 3, 4;

-- name: listed_by(source)$
select count(*) from assets where source = :source and running <> 'gone' and record <> 'closed';

-- name: listed_assets(source, kinds)
select asset_id, kind, platform, identity, stated_on from assets
where source = :source and kind = any(:kinds::text[]) and running <> 'gone' and record <> 'closed' order by asset_id;

-- name: assets_lock(asset_ids)
-- In the order of their ids, before anything else is locked.
select * from assets where asset_id = any(:asset_ids::uuid[]) order by asset_id for no key update;

-- name: source_lock(source)$
-- Disappearances of one source are counted one after the other.
select pg_advisory_xact_lock(hashtextextended('source ' || :source, 0));

-- name: vanished_since(source, since)$
select count(*) from disappearances where source = :source and state = 'applied' and at > :since;

-- name: disappearance_add(disappearance_id, source, asset_id, at, cause, state)!
insert into disappearances (disappearance_id, source, asset_id, at, cause, state)
values (:disappearance_id, :source, :asset_id, :at, :cause, :state)
on conflict do nothing;

-- name: disappearance_get(disappearance_id)^
select * from disappearances where disappearance_id = :disappearance_id;

-- name: disappearance_lock(disappearance_id)^
select * from disappearances where disappearance_id = :disappearance_id for update;

-- name: disappearance_decide(disappearance_id, state, decided_by, reason, at)!
update disappearances set state = :state, decided_by = :decided_by, reason = :reason, at = :at
where disappearance_id = :disappearance_id;

-- name: is_held(asset_id)$
select exists (select 1 from disappearances where asset_id = :asset_id and state = 'held');

-- name: held_among(asset_ids)
select asset_id from disappearances where asset_id = any(:asset_ids::uuid[]) and state = 'held';

-- name: disappearance_withdrawn(asset_id, decided_by, reason, at)!
-- The source lists again what it was held to have dropped: nothing is left to decide.
update disappearances set state = 'dropped', decided_by = :decided_by, reason = :reason, at = :at
where asset_id = :asset_id and state = 'held';

-- name: disappearances_held(source, since, until, after, max_rows)
select d.disappearance_id, d.source, d.asset_id, d.at, d.cause, a.kind, a.platform, a.identity, a.name
from disappearances d join assets a using (asset_id)
where d.state = 'held' and d.disappearance_id > :after::uuid
  and (:source::text is null or d.source = :source)
  and (:since::timestamptz is null or d.at >= :since) and (:until::timestamptz is null or d.at < :until)
order by d.disappearance_id limit :max_rows;

-- name: disappearances_held_of(source, since, until, max_rows)
select asset_id from disappearances
where state = 'held' and source = :source and at >= :since and at < :until order by asset_id limit :max_rows;

-- name: disappearances_held_lock(source, since, until, asset_ids)
-- Those that still wait once they are locked; their assets are locked before, as intake does.
select * from disappearances
where state = 'held' and source = :source and at >= :since and at < :until and asset_id = any(:asset_ids::uuid[])
order by asset_id for update;

-- name: disappearances_held_count(source, since, until)$
select count(*) from disappearances where state = 'held' and source = :source and at >= :since and at < :until;

-- name: import_add(import_id, source, stated_on, sha256, row_count, complete, actor, at, summary)!
insert into imports (import_id, source, stated_on, sha256, row_count, complete, actor, at, summary)
values (:import_id, :source, :stated_on, :sha256, :row_count, :complete, :actor, :at, :summary::text::jsonb)
on conflict do nothing;

-- name: import_get(import_id)^
select actor, at, summary::text as summary from imports where import_id = :import_id;

-- name: import_changes_add(import_id, asset_ids, outcomes)!
insert into import_changes (import_id, asset_id, outcome)
select :import_id, changed.asset_id, changed.outcome
from unnest(:asset_ids::uuid[], :outcomes::text[]) as changed (asset_id, outcome)
on conflict do nothing;

-- name: import_changes(import_id)
select asset_id, outcome from import_changes where import_id = :import_id;

-- name: permit_add(asset_id, permitted_by, reason, at)$
insert into reopen_permits (asset_id, permitted_by, reason, at) values (:asset_id, :permitted_by, :reason, :at)
on conflict do nothing
returning true;

-- name: permit_get(asset_id)^
select permitted_by, reason, at from reopen_permits where asset_id = :asset_id;

-- name: outcome_add(event_source, event_id, subject, outcome, asset_id, told)!
insert into intake_outcomes (event_source, event_id, subject, outcome, asset_id, told)
values (:event_source, :event_id, :subject, :outcome, :asset_id, :told);

-- name: outcome_get(event_source, event_id, subject, told)^
-- What became of a sender's event; one from before senders were kept is its own only where it said the same.
select outcome, asset_id, told from intake_outcomes
where event_source = :event_source and event_id = :event_id
  and (subject = :subject or subject = '' and coalesce(told, :told) = :told)
order by subject desc limit 1;

-- name: tombstone_add(asset_id, case_id, closed_on, stopped_on, rule, title, basis, label, pack, pack_version, reason, successor, plan_sha256, archive_sha256)!
insert into tombstones (asset_id, case_id, closed_on, stopped_on, rule, title, basis, label, pack, pack_version, reason,
                        successor, plan_sha256, archive_sha256)
values (:asset_id, :case_id, :closed_on, :stopped_on, :rule, :title, :basis, :label, :pack, :pack_version, :reason,
        :successor, :plan_sha256, :archive_sha256)
on conflict do nothing;

-- name: tombstone_get(asset_id)^
select t.*, a.kind, a.name, a.platform, a.address, a.identity, a.sponsor_id as unit_id, u.scheme, u.value,
       (select coalesce(jsonb_agg(jsonb_build_object('language', n.language, 'text', n.name)
                                  order by n.language, n.name), '[]') from unit_names n
        where n.unit_id = u.unit_id) as names,
       (select n.asset_id from assets n
        where n.kind = a.kind and n.platform = a.platform and n.identity = a.identity
          and n.incarnation = a.incarnation + 1) as reopened_as
from tombstones t join assets a using (asset_id) join units u on u.unit_id = a.sponsor_id
where t.asset_id = :asset_id;
