-- One row per notice: a case whose asset gets another sponsor tells it anew, and the receipt of the unit before is kept.

alter table notices add column ordinal int not null default 1 check (ordinal > 0);
-- One row per case becomes one per notice of a case.
-- squawk-ignore ban-drop-constraint, adding-serial-primary-key-field, constraint-missing-not-valid
alter table notices drop constraint notices_pkey, add primary key (case_id, ordinal);
