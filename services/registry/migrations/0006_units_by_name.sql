-- A unit is looked for by the beginning of one of its names, whatever the case of its letters.
-- Migrations run in a transaction, so not concurrently: there are as many names as units, some tens of thousands.
-- squawk-ignore require-concurrent-index-creation
create index unit_names_lower on unit_names (lower(name) text_pattern_ops);
