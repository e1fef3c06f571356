-- name: rule_held(rule)$
-- Whether the monitor has told of a finding of a rule.
select exists(select from findings where evidence->>'rule' = :rule);

-- name: mandate_add(mandate_id, rule, max_per_day, until, proposed_by, proposed_at)!
insert into mandates (mandate_id, rule, max_per_day, until, proposed_by, proposed_at)
values (:mandate_id, :rule, :max_per_day, :until, :proposed_by, :proposed_at)
on conflict do nothing;

-- name: mandate_get(mandate_id)^
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers
from mandates m where mandate_id = :mandate_id;

-- name: mandate_sign(mandate_id, approver, at)$
insert into mandate_approvals (mandate_id, approver, at) values (:mandate_id, :approver, :at)
on conflict do nothing returning true;

-- name: mandate_revoke(mandate_id, by, reason, at)!
insert into mandate_revocations (mandate_id, revoked_by, reason, at) values (:mandate_id, :by, :reason, :at)
on conflict do nothing;

-- name: mandate_revocation(mandate_id)^
select revoked_by as by, reason, at from mandate_revocations where mandate_id = :mandate_id;

-- name: mandates_all(named)
-- The standing approvals of these ids, with who signed and who revoked each.
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers,
       r.revoked_by, r.at as revoked_at, r.reason as revoked_why
from mandates m left join mandate_revocations r using (mandate_id)
where m.mandate_id = any(:named::uuid[]) order by m.until, m.mandate_id;

-- name: mandate_list(at, which, max_rows)
-- The newest first, behind a place.
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers,
       r.revoked_by, r.at as revoked_at, r.reason as revoked_why
from mandates m left join mandate_revocations r using (mandate_id)
where :at::timestamptz is null or (m.proposed_at, m.mandate_id) < (:at::timestamptz, :which::uuid)
order by m.proposed_at desc, m.mandate_id desc limit :max_rows;

-- name: mandates_live(day)
-- Standing approvals that have not ended and that nobody took back, with who signed each.
select m.mandate_id, m.rule, m.max_per_day, m.proposed_by, array_agg(a.approver) as approvers
from mandates m join mandate_approvals a using (mandate_id)
where m.until >= :day
  and not exists (select 1 from mandate_revocations r where r.mandate_id = m.mandate_id)
group by m.mandate_id;

-- name: mandate_of_rule(mandates, rule)^
-- The standing approval of a rule among those that a plan was approved under, with who proposed and who signed it.
select m.mandate_id, m.max_per_day, m.until, m.proposed_by,
       (select coalesce(array_agg(a.approver), '{}') from mandate_approvals a
        where a.mandate_id = m.mandate_id) as approvers,
       exists (select 1 from mandate_revocations r where r.mandate_id = m.mandate_id) as revoked
from mandates m where m.mandate_id = any(:mandates::uuid[]) and m.rule = :rule;

-- name: slots_under_mandate(day, mandate_id, rule)$
-- Places of a day that were given to cases with a finding of a rule, approved under its mandate.
select count(*) from slots s
where s.day = :day and exists (select 1 from findings f where f.case_id = s.case_id and f.evidence->>'rule' = :rule)
  and exists (
    select 1 from case_log l
    where l.case_id = s.case_id and l.kind = 'approved' and l.data->'mandates' @> to_jsonb(:mandate_id::text)
);
