-- A platform is stopped by one of several types of connector; what is not a webhook's stands in `settings`.
alter table connectors add column type text not null default 'webhook' check (type ~ '^[a-z][a-z0-9_-]{0,39}$');
alter table connectors add column settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object');
comment on column connectors.settings is 'what a type of connector states beside the other columns';
