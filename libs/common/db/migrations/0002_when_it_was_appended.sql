-- When the broker took a record that became a dead letter: what its token was worth is judged as of then.
alter table dead_letters add column appended double precision;    -- seconds since 1970; null where nobody but the sender says
