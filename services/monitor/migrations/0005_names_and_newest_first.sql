-- Lists of findings are newest first, and say whose each asset is.

-- The name that is shown of a unit; null where it was told before names were kept: then the units are read again.
alter table units add column name text;

-- The table is small where this is applied first, and a migration is one transaction: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index findings_newest on findings (opened_at desc, finding_id desc);
-- squawk-ignore require-concurrent-index-creation
create index findings_newest_of_state on findings (state, opened_at desc, finding_id desc);
-- squawk-ignore require-concurrent-index-creation
create index findings_newest_of_rule on findings (rule, opened_at desc, finding_id desc);
-- squawk-ignore require-concurrent-index-creation
create index findings_newest_of_both on findings (rule, state, opened_at desc, finding_id desc);
