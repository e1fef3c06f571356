-- The public is told what only looks like an official address or name: each asset is found by what looks like it.

-- Tokens of what its address and its name look like, and by which table of look-alikes; null where none were computed,
-- which the service does when it starts.
alter table assets add column looks text [] not null default '{}';
alter table assets add column looks_by text;

-- Migrations run in a transaction, so not concurrently: a register of 300,000 assets is written to again within a second.
-- squawk-ignore require-concurrent-index-creation
create index assets_looks on assets using gin (looks);
