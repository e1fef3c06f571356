-- An alarm is open, acknowledged, or ended; who did what to it, and why, is a row of its own.

alter table alarms
add column state text not null default 'open' check (state in ('open', 'acknowledged', 'ended')),
-- the case, plan, checkpoint or key that it is about; null of an alarm from before that names no case
add column about uuid;
update alarms set about = case_id where case_id is not null;
comment on table alarms is 'what a person must look at; what became of each is in alarm_steps';

create table alarm_steps (
    alarm_id uuid not null references alarms,
    step text not null check (step in ('acknowledged', 'ended')),
    by text not null,
    role text not null,
    reason text not null,
    at timestamptz not null,
    primary key (alarm_id, step)
);
comment on table alarm_steps is 'append-only: who acknowledged an alarm, who or what ended it, and why';

-- The tables are small where this is applied first, and a migration is one transaction: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index alarms_newest on alarms (at desc, alarm_id desc);
-- squawk-ignore require-concurrent-index-creation
create index alarms_newest_of_state on alarms (state, at desc, alarm_id desc);
-- squawk-ignore require-concurrent-index-creation
create index alarms_newest_of_kind on alarms (kind, at desc, alarm_id desc);
-- squawk-ignore require-concurrent-index-creation
create index alarms_newest_of_both on alarms (kind, state, at desc, alarm_id desc);
-- squawk-ignore require-concurrent-index-creation
create index alarms_lasting on alarms (about) where state <> 'ended';
