-- The last hash of every log is signed once a day, so that a log rewritten as a whole is found out.

create table checkpoints (
    day date primary key,
    content text not null,
    sha256 text not null,
    signature text not null,
    -- which cases it holds, from the text that is signed and from nothing else
    case_ids jsonb not null generated always as (jsonb_path_query_array(content::jsonb, '$.cases[*].case_id')) stored
);
comment on table checkpoints is 'append-only: the heads of the logs that had changed by the end of a business day, signed';
-- The table is made in the line above: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index checkpoints_cases on checkpoints using gin (case_ids jsonb_path_ops);

alter table cases add column checkpoint_entries int not null default 0;
comment on column cases.checkpoint_entries is 'how many entries the newest checkpoint that holds the case says it has';
-- The table is small where this is applied first, and a migration is one transaction: nothing is built beside it.
-- squawk-ignore require-concurrent-index-creation
create index cases_moved on cases (case_id) where version > checkpoint_entries;
