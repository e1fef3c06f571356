-- name: case_reopen_on(case_id, on_day)!
update cases set reopen_on = :on_day where case_id = :case_id;

-- name: case_to_reopen(today)^
-- An ended case whose findings are excused no longer.
select case_id, asset_id from cases where reopen_on <= :today order by reopen_on, asset_id limit 1;

-- name: findings_excused(case_id)
-- What of an ended case is still true, the finding that opened it first; a closed asset has no next case.
select f.finding_id, f.evidence::text as evidence from findings f join cases c using (case_id)
where f.case_id = :case_id and not f.cleared
  and not exists (select 1 from cases d where d.asset_id = c.asset_id and d.state = 'closed')
order by f.finding_id <> c.finding_id, f.finding_id;
