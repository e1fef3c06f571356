-- What an event said, so that another one under its id is noticed; the public question finds an address by itself.

alter table intake_outcomes add column told text;   -- SHA-256; null for events taken before there was this column

-- `verify` is open to everybody and is often asked without a platform: without this it reads the whole register.
-- Migrations run in a transaction, so not concurrently: a register of 300,000 assets is written to again within a second.
-- squawk-ignore require-concurrent-index-creation
create index assets_identity on assets (identity);
