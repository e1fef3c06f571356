-- What people read: names as they were sealed, plans that nobody is left in, and lists in order of time.

-- How a member was called when its plan was sealed, for lists; what was signed is the plan's text.
alter table plan_members add column name text, add column address text, add column unit_name text;

-- It comes back in the next line, wider by one word.
-- squawk-ignore ban-drop-constraint
alter table plans drop constraint plans_state_check;
alter table plans
add constraint plans_state_check check (state in ('sealed', 'approved', 'altered', 'rejected', 'void'))
not valid;

-- Which plan a case is in, as its log has it, so that a plan that nobody is left in is found.
alter table cases add column plan_id uuid;
update cases c set plan_id = (l.data->>'plan_id')::uuid
from case_log l
where l.case_id = c.case_id and l.kind = 'planned'
  and not exists (select 1 from case_log m
                  where m.case_id = l.case_id and m.seq > l.seq and m.kind in ('planned', 'unplanned'));

-- The tables are small where this is applied first, and a migration is one transaction: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index cases_plan on cases (plan_id) where plan_id is not null;
-- squawk-ignore require-concurrent-index-creation
create index cases_newest on cases (opened_at desc, case_id desc);
-- squawk-ignore require-concurrent-index-creation
create index cases_newest_of_state on cases (state, opened_at desc, case_id desc);
-- squawk-ignore require-concurrent-index-creation
create index cases_waiting on cases (case_id) where due_at is null and state not in ('closed', 'ended', 'restored');
-- squawk-ignore require-concurrent-index-creation
create index plans_newest on plans (sealed_at desc, plan_id desc);
-- squawk-ignore require-concurrent-index-creation
create index plans_newest_of_state on plans (state, sealed_at desc, plan_id desc);
-- squawk-ignore require-concurrent-index-creation
create index mandates_newest on mandates (proposed_at desc, mandate_id desc);
