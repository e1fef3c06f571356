-- A look after a stop proves something only where the asset was seen alive before it.
alter table connectors add column probe_revision int not null default 1;
comment on column connectors.probe_revision is 'counts the changes of probe_url';
alter table archives add column seen_under int;
comment on column archives.seen_under is
    'the probe_revision under which the page was last seen alive, 0 for the address on record; null when it was not seen';
