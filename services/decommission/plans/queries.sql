-- name: cases_ready()
-- Cases that wait for a plan, in the order in which scarce places are given out.
select c.case_id, c.asset_id, s.sponsor_id, s.kind from cases c join subjects s using (asset_id)
where c.due_at is null and c.state in ('ready', 'answering') order by c.opened_at, c.asset_id;

-- name: plan_of_day(day)$
select plan_id from plans where sealed_on = :day;

-- name: plan_add(plan_id, sealed_on, content, sha256, sealed_at)!
insert into plans (plan_id, sealed_on, content, sha256, state, sealed_at)
values (:plan_id, :sealed_on, :content, :sha256, 'sealed', :sealed_at);

-- name: plan_member_add(plan_id, case_id, asset_id, unit_id, kind, name, address, unit_name)!
insert into plan_members (plan_id, case_id, asset_id, unit_id, kind, name, address, unit_name)
values (:plan_id, :case_id, :asset_id, :unit_id, :kind, :name, :address, :unit_name);

-- name: plan_lock(plan_id)^
select * from plans where plan_id = :plan_id for update;

-- name: plan_get(plan_id)^
select * from plans where plan_id = :plan_id;

-- name: plan_list(state, at, which, max_rows)
-- The newest first, behind a place; of each its first three members, as they were called when it was sealed.
select p.plan_id, p.sealed_on, p.sha256, p.state, p.sealed_at,
       (select count(*) from plan_members m where m.plan_id = p.plan_id) as members,
       (select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (
            select m.asset_id, coalesce(m.name, s.name) as name, coalesce(m.address, s.address) as address,
                   m.unit_id, coalesce(m.unit_name, u.name) as unit_name
            from plan_members m left join subjects s using (asset_id) left join units u on u.unit_id = m.unit_id
            where m.plan_id = p.plan_id order by m.case_id limit 3) f)::text as first
from plans p
where (:state::text is null or p.state = :state)
  and (:at::timestamptz is null or (p.sealed_at, p.plan_id) < (:at::timestamptz, :which::uuid))
order by p.sealed_at desc, p.plan_id desc limit :max_rows;

-- name: plans_empty()
-- Sealed plans that no case is in any more, as the rows of the cases have it.
select p.plan_id from plans p
where p.state = 'sealed'
  and not exists (select from cases c where c.plan_id = p.plan_id and c.state <> 'ended')
order by p.sealed_at limit 100;

-- name: plans_unsigned(sealed_before)
-- Plans that have waited for their signatures since before an instant.
select plan_id, sealed_on, sealed_at from plans where state = 'sealed' and sealed_at < :sealed_before
order by sealed_at limit 1000;

-- name: plan_state(plan_id, state)!
update plans set state = :state where plan_id = :plan_id;

-- name: plan_members_of(plan_id)
select case_id, asset_id from plan_members where plan_id = :plan_id order by asset_id;

-- name: plan_reject(plan_id, by, reason, at)!
insert into plan_rejections (plan_id, rejected_by, reason, at) values (:plan_id, :by, :reason, :at);

-- name: plan_rejection(plan_id)^
select rejected_by as by, reason, at from plan_rejections where plan_id = :plan_id;

-- name: approval_add(plan_id, approver, sha256, at)$
insert into approvals (plan_id, approver, sha256, at) values (:plan_id, :approver, :sha256, :at)
on conflict do nothing returning true;

-- name: approvals_of(plan_id)
select approver, sha256, at from approvals where plan_id = :plan_id order by at, approver;
