-- name: asset_lock_of(case_id)$
-- The same lock, for who knows the case: taken before the case's own row.
select pg_advisory_xact_lock(hashtextextended(asset_id::text, 0)) from cases where case_id = :case_id;

-- name: case_open_of(asset_id)^
select * from cases where asset_id = :asset_id and state not in ('closed', 'ended', 'restored') for no key update;

-- name: case_count(asset_id)$
select count(*) from cases where asset_id = :asset_id;

-- name: case_add(case_id, asset_id, ordinal, finding_id, rule, opened_at, windows)!
insert into cases (case_id, asset_id, ordinal, finding_id, rule, state, version, due_at, opened_at, windows)
values (:case_id, :asset_id, :ordinal, :finding_id, :rule, 'new', 0, null, :opened_at, :windows::text::jsonb);

-- name: case_lock(case_id)^
select *, windows::text as windows_text from cases where case_id = :case_id for no key update;

-- name: case_get(case_id)^
select *, windows::text as windows_text from cases where case_id = :case_id;

-- name: case_update(case_id, state, version, due_at, plan_id)!
update cases set state = :state, version = :version, due_at = :due_at, plan_id = :plan_id where case_id = :case_id;

-- name: case_rest(case_id, due_at)!
update cases set due_at = :due_at where case_id = :case_id;

-- name: cases_wake(asset_id, now)!
-- A finding may come before the record of its asset: such a case waited for it. Also one that is due: whoever has just
-- looked in vain and is about to lay it down holds its row, and this waits for him.
update cases set due_at = least(due_at, :now) where asset_id = :asset_id and state = 'noticing';

-- name: case_seen(case_id, below)$
-- Whether a case is of an asset for which this unit, or one below it, answers now.
select exists(select from cases c join subjects s using (asset_id)
              where c.case_id = :case_id and s.sponsor_id in (select units_below(:below)));

-- name: case_list(state, asset_id, below, at, which, max_rows)
-- The newest first, behind a place.
select c.case_id, c.asset_id, c.ordinal, c.finding_id, c.rule, c.state, c.version, c.due_at, c.opened_at,
       s.name, s.platform, s.address, s.sponsor_id as unit_id, u.name as unit_name
from cases c left join subjects s using (asset_id) left join units u on u.unit_id = s.sponsor_id
where (:state::text is null or c.state = :state) and (:asset_id::uuid is null or c.asset_id = :asset_id)
  and (:below::uuid is null or s.sponsor_id in (select units_below(:below)))
  and (:at::timestamptz is null or (c.opened_at, c.case_id) < (:at::timestamptz, :which::uuid))
order by c.opened_at desc, c.case_id desc limit :max_rows;

-- name: case_named(asset_id)^
-- How an asset and its unit are called now.
select s.name, s.platform, s.address, s.sponsor_id as unit_id, u.name as unit_name
from subjects s left join units u on u.unit_id = s.sponsor_id where s.asset_id = :asset_id;

-- name: cases_due(until, urgent, after_due, after_asset, max_rows)
-- What is due in one of the two lanes, in order: what is being brought back, or the rest.
select case_id, asset_id, version, due_at from cases
where due_at <= :until and (state = 'restoring') = :urgent::boolean
  and (:after_due::timestamptz is null or (due_at, asset_id) > (:after_due::timestamptz, :after_asset::uuid))
order by due_at, asset_id limit :max_rows;

-- name: cases_due_count(until)$
select count(*) from cases where due_at <= :until;

-- name: log_of(case_id)
select seq, at, actor, kind, data::text as data, previous, sha256, trace from case_log where case_id = :case_id order by seq;

-- name: log_add(case_id, seq, at, actor, kind, data, previous, sha256, trace)!
insert into case_log (case_id, seq, at, actor, kind, data, previous, sha256, trace)
values (:case_id, :seq, :at, :actor, :kind, :data::text::jsonb, :previous, :sha256, :trace);

-- name: finding_add(finding_id, case_id, evidence, evidence_sha256)!
insert into findings (finding_id, case_id, evidence, evidence_sha256)
values (:finding_id, :case_id, :evidence::text::jsonb, :evidence_sha256)
on conflict (finding_id) do update set case_id = excluded.case_id;

-- name: finding_clear(finding_id)$
-- A finding that is no longer true; the case it belongs to.
update findings set cleared = true where finding_id = :finding_id returning case_id;

-- name: findings_left(case_id)
-- What of a case is still held to be true: the finding that opened it first.
select f.finding_id, f.evidence->>'rule' as rule, f.evidence_sha256 from findings f join cases c using (case_id)
where f.case_id = :case_id and not f.cleared order by f.finding_id <> c.finding_id, f.finding_id;

-- name: findings_of(case_id)
-- What a case was opened from and what was attached to it; some of it may be with the asset's next case by now.
select finding_id, evidence::text as evidence, evidence_sha256, cleared from findings
where finding_id in (select (l.data->>'finding_id')::uuid from case_log l
                     where l.case_id = :case_id and l.kind in ('opened', 'finding_attached'))
order by finding_id;

-- name: plan_signers(plan_id)
-- Who has signed the plan of a case.
select approver from approvals where plan_id = :plan_id order by at, approver;
