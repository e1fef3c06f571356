-- The day of which an asset's source last spoke, so that what it said of an earlier day and arrives late undoes nothing.
-- The default is older than any statement: what was recorded before there was this column is overruled by the next one.
alter table assets add column stated_on date not null default '0001-01-01';
