-- name: outcome_add(event_source, event_id, subject, outcome, asset_id, digest)!
insert into intake_outcomes (event_source, event_id, subject, outcome, asset_id, told)
values (:event_source, :event_id, :subject, :outcome, :asset_id, :digest);

-- name: outcome_get(event_source, event_id, subject, digest)^
-- The outcome of a sender's event. A row from before senders were kept counts only where the event stated the same.
select outcome, asset_id, told from intake_outcomes
where event_source = :event_source and event_id = :event_id
  and (subject = :subject or subject = '' and coalesce(told, :digest) = :digest)
order by subject desc limit 1;
