-- Who turned the kill switch, and which limits and windows a start brought, stand beside the other changes of set-up.
-- The new list of subjects holds the old one; the table is small, since people make its rows.
-- squawk-ignore ban-drop-constraint
alter table setup_changes drop constraint setup_changes_what_check;
alter table setup_changes
-- squawk-ignore constraint-missing-not-valid
add constraint setup_changes_what_check check (what in ('endpoint', 'connector', 'kill-switch', 'limits', 'windows'));
comment on table setup_changes is 'append-only: who changed what of the set-up, from what to what';
-- squawk-ignore require-concurrent-index-creation
create index setup_changes_of on setup_changes (what, which, change_id desc);
