-- name: outcome_add(event_source, event_id, subject, outcome, asset_id, told)!
insert into intake_outcomes (event_source, event_id, subject, outcome, asset_id, told)
values (:event_source, :event_id, :subject, :outcome, :asset_id, :told);

-- name: outcome_get(event_source, event_id, subject, told)^
-- What became of a sender's event; one from before senders were kept is its own only where it said the same.
select outcome, asset_id, told from intake_outcomes
where event_source = :event_source and event_id = :event_id
  and (subject = :subject or subject = '' and coalesce(told, :told) = :told)
order by subject desc limit 1;
