-- An announcement names the unit. Null: told before names were kept; then it is shown by its code.
alter table units add column if not exists name text;
