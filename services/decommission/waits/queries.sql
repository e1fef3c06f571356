-- name: alarms_lasting(after, max_rows)
-- Alarms about cases that have not ended, in the order of the cases.
select distinct about as case_id from alarms where state <> 'ended' and about = case_id
  and (:after::uuid is null or about > :after::uuid)
order by case_id limit :max_rows;

-- name: cases_waiting(after, max_rows)
-- Cases that do not move by themselves, but for those whose plan waits to be signed.
select c.case_id from cases c left join plans p using (plan_id)
where c.due_at is null and c.state not in ('closed', 'ended', 'restored')
  and (c.state <> 'planned' or p.state is distinct from 'sealed')
  and (:after::uuid is null or c.case_id > :after::uuid)
order by c.case_id limit :max_rows;

-- name: cases_unsure(after, max_rows)
-- Cases in which a question to the monitor may stand unanswered.
select case_id from cases where state in ('rechecking', 'fixing', 'archived', 'stopping')
  and (:after::uuid is null or case_id > :after::uuid)
order by case_id limit :max_rows;
