-- name: listed_by(source)$
select count(*) from assets where source = :source and running <> 'gone' and record <> 'closed';

-- name: source_lock(source)$
-- Disappearances of one source are counted one after the other.
select pg_advisory_xact_lock(hashtextextended('source ' || :source, 0));

-- name: vanished_since(source, since)$
select count(*) from disappearances where source = :source and state = 'applied' and at > :since;

-- name: disappearance_add(disappearance_id, source, asset_id, at, cause, state)!
insert into disappearances (disappearance_id, source, asset_id, at, cause, state)
values (:disappearance_id, :source, :asset_id, :at, :cause, :state)
on conflict do nothing;

-- name: disappearance_get(disappearance_id)^
select * from disappearances where disappearance_id = :disappearance_id;

-- name: disappearance_lock(disappearance_id)^
select * from disappearances where disappearance_id = :disappearance_id for update;

-- name: disappearance_decide(disappearance_id, state, decided_by, reason, at)!
update disappearances set state = :state, decided_by = :decided_by, reason = :reason, at = :at
where disappearance_id = :disappearance_id;

-- name: is_pending(asset_id)$
select exists (select 1 from disappearances where asset_id = :asset_id and state = 'held');

-- name: pending_among(asset_ids)
select asset_id from disappearances where asset_id = any(:asset_ids::uuid[]) and state = 'held';

-- name: disappearance_withdrawn(asset_id, decided_by, reason, at)!
-- The source lists the asset again: nothing is left to decide.
update disappearances set state = 'dropped', decided_by = :decided_by, reason = :reason, at = :at
where asset_id = :asset_id and state = 'held';

-- name: disappearances_pending(source, since, until, after, max_rows)
select d.disappearance_id, d.source, d.asset_id, d.at, d.cause, a.kind, a.platform, a.identity, a.name
from disappearances d join assets a using (asset_id)
where d.state = 'held' and d.disappearance_id > :after::uuid
  and (:source::text is null or d.source = :source)
  and (:since::timestamptz is null or d.at >= :since) and (:until::timestamptz is null or d.at < :until)
order by d.disappearance_id limit :max_rows;

-- name: disappearances_pending_of(source, since, until, max_rows)
select asset_id from disappearances
where state = 'held' and source = :source and at >= :since and at < :until order by asset_id limit :max_rows;

-- name: disappearances_pending_lock(source, since, until, asset_ids)
-- The pending ones as they are once locked; their assets are locked before, as intake does.
select * from disappearances
where state = 'held' and source = :source and at >= :since and at < :until and asset_id = any(:asset_ids::uuid[])
order by asset_id for update;

-- name: disappearances_pending_count(source, since, until)$
select count(*) from disappearances where state = 'held' and source = :source and at >= :since and at < :until;
