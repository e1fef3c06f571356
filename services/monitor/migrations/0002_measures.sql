-- What a statement is about: a source that counts followers says nothing of posts by its silence.
-- Until here statements were taken to be about posts, so that is what those held are about.
alter table source_days add column measures text[] not null default '{posts}';
