-- A round that was asked for is not over before it has been worked, whichever process asks and whichever works.
alter table controls add column round_wanted boolean not null default false;
alter table controls add column round_working boolean not null default false;
