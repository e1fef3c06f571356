-- name: announced_cases(after, case_id, max_rows)
-- Cases that were announced, by their log or by where their row stands: a row taken out of a log hides no announcement.
select c.case_id, c.asset_id, s.name, s.platform, s.address, s.sponsor_id as unit_id, u.scheme || ':' || u.value as unit_code,
       u.name as unit_name,
       coalesce((select f.evidence->>'rule' from findings f where f.case_id = c.case_id and not f.cleared
                 order by f.finding_id <> c.finding_id, f.finding_id limit 1), c.rule) as rule
from cases c join subjects s using (asset_id) left join units u on u.unit_id = s.sponsor_id
where c.case_id > :after::uuid and (:case_id::uuid is null or c.case_id = :case_id)
  and (c.state in ('announced', 'archived', 'rechecking', 'stopping', 'verifying', 'verified', 'unverified', 'disposed',
                   'closed', 'restoring', 'restored')
       or exists (select 1 from case_log l where l.case_id = c.case_id and l.kind = 'announced'))
order by c.case_id limit :max_rows;
