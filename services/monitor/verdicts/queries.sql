-- name: open_findings(assets)
select finding_id, asset_id, rule, condition from findings where state = 'open' and asset_id = any(:assets::uuid[])
order by asset_id, rule;

-- name: findings_without_rule(rules)
-- Open findings of rules that are in no pack any more.
select finding_id, asset_id, rule from findings where state = 'open' and not rule = any(:rules::text[])
order by finding_id;

-- name: ordinals(assets, rules)
-- How often each rule has been true of each asset before.
select asset_id, rule, max(ordinal) as ordinal from findings
where asset_id = any(:assets::uuid[]) and rule = any(:rules::text[]) group by asset_id, rule;

-- name: findings_put(findings, opened_on, opened_at)!
-- New findings, many at once.
insert into findings (finding_id, asset_id, rule, ordinal, state, verdict, proposal, pack, pack_version, condition,
    basis, label, clears_when, signals, agents, opened_on, opened_at)
select f.finding_id, f.asset_id, f.rule, f.ordinal, 'open', f.verdict, f.proposal, f.pack, f.pack_version, f.condition,
    f.basis, f.label, f.clears_when, f.signals, f.agents, :opened_on, :opened_at
from jsonb_to_recordset(:findings::jsonb) as f (finding_id uuid, asset_id uuid, rule text, ordinal int, verdict text,
    proposal text, pack text, pack_version text, condition text, basis text, label text, clears_when text,
    signals jsonb, agents text[]);

-- name: findings_clear(findings, reasons, cleared_on, cleared_at)!
update findings f set state = 'cleared', cleared_on = :cleared_on, cleared_at = :cleared_at, cleared_because = c.because
from unnest(:findings::uuid[], :reasons::text[]) as c (finding_id, because)
where f.finding_id = c.finding_id;

-- name: finding_get(finding_id)^
select * from findings where finding_id = :finding_id;

-- name: finding_seen(finding_id, below)^
-- A finding with its asset and unit; with `below` only where the asset belongs to that unit or to one below it.
select f.*, a.name, a.platform, a.address, a.sponsor_id as unit_id, u.name as unit_name
from findings f left join assets a using (asset_id) left join units u on u.unit_id = a.sponsor_id
where f.finding_id = :finding_id and (:below::uuid is null or a.sponsor_id in (select units_below(:below)));

-- name: finding_list(state, rule, asset_id, at, which, opened_from, opened_to, watched, below, max_rows)
-- The newest first, behind a cursor. What is open of an asset that is closed or gone stays as it was when the asset was
-- last watched.
select f.*, a.name, a.platform, a.address, a.sponsor_id as unit_id, u.name as unit_name
from findings f left join assets a using (asset_id) left join units u on u.unit_id = a.sponsor_id
where (:state::text is null or f.state = :state) and (:rule::text is null or f.rule = :rule)
    and (:asset_id::uuid is null or f.asset_id = :asset_id)
    and (:at::timestamptz is null or (f.opened_at, f.finding_id) < (:at::timestamptz, :which::uuid))
    and (:opened_from::date is null or f.opened_on >= :opened_from)
    and (:opened_to::date is null or f.opened_on <= :opened_to)
    and (:watched::boolean is null
         or :watched = exists (select from watched_assets w where w.asset_id = f.asset_id))
    and (:below::uuid is null or a.sponsor_id in (select units_below(:below)))
order by f.opened_at desc, f.finding_id desc limit :max_rows;

-- name: verdict_now(asset_id)^
select from_day, verdict, rule from verdicts where until_day is null and asset_id = :asset_id;

-- name: verdicts_changed(assets, verdicts, rules)
-- Those whose verdict, or the rule behind it, is not the current one.
select f.asset_id, f.verdict, f.rule
from unnest(:assets::uuid[], :verdicts::text[], :rules::text[]) as f (asset_id, verdict, rule)
left join verdicts v on v.asset_id = f.asset_id and v.until_day is null
where (v.verdict, v.rule) is distinct from (f.verdict, f.rule);

-- name: verdicts_end(assets, day)!
update verdicts set until_day = :day where until_day is null and asset_id = any(:assets::uuid[]);

-- name: verdicts_begin(assets, day, verdicts, rules)!
-- One that ended on the day on which it began, because its asset was not watched in between, begins again.
insert into verdicts (asset_id, from_day, verdict, rule)
select v.a, :day, v.v, v.r from unnest(:assets::uuid[], :verdicts::text[], :rules::text[]) as v (a, v, r)
on conflict (asset_id, from_day) do update
set until_day = null, verdict = excluded.verdict, rule = excluded.rule;

-- name: verdicts_unwatched(day)!
-- Assets that are no longer watched have no verdict from this day on.
update verdicts set until_day = :day
where until_day is null and asset_id = any(array(
    select asset_id from verdicts where until_day is null except select asset_id from watched_assets));

-- name: verdict_list(day, verdict, below, after, max_rows)
select asset_id, verdict, rule, from_day from verdicts
where from_day <= :day and (until_day is null or until_day > :day)
    and (:verdict::text is null or verdict = :verdict) and (:after::uuid is null or asset_id > :after)
    and (:below::uuid is null
         or asset_id in (select a.asset_id from assets a where a.sponsor_id in (select units_below(:below))))
order by asset_id limit :max_rows;

-- name: watched_without_verdict(after, max_rows)
-- What came to be watched after the last sweep, in the order of its ids.
select asset_id from watched_assets w
where (:after::uuid is null or asset_id > :after)
    and not exists (select from verdicts v where v.asset_id = w.asset_id and v.until_day is null)
order by asset_id limit :max_rows;
