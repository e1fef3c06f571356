-- An event's source and id are what its sender says: whoever sent them first had taken the id from everybody else.

-- Of events taken before there was this column nobody knows the sender; they are still recognised by what they said.
alter table intake_outcomes add column subject text not null default '';

-- The release before this one goes on writing, without a subject. One row per event: a million of them are indexed
-- again within seconds, in which intake waits.
-- squawk-ignore ban-drop-constraint
alter table intake_outcomes drop constraint intake_outcomes_pkey;
-- squawk-ignore adding-serial-primary-key-field, constraint-missing-not-valid
alter table intake_outcomes add primary key (event_source, event_id, subject);
