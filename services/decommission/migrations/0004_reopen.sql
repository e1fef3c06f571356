-- What stays true of an asset whose case has ended without a closure opens its next case on a day, not never.
alter table cases add column reopen_on date;
comment on column cases.reopen_on is 'the day from which findings that this ended case left behind are taken up again';
-- The table is small where this is applied first, and a migration is one transaction: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index cases_reopen on cases (reopen_on) where reopen_on is not null;
-- Cases that had ended before: two years after their end, as the windows have it by default.
update cases c set reopen_on = (select max(l.at)::date from case_log l where l.case_id = c.case_id) + 730
where c.state in ('ended', 'restored')
  and exists (select 1 from findings f where f.case_id = c.case_id and not f.cleared);
