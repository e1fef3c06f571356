-- name: alarm_add(alarm_id, case_id, about, kind, text_zh, text_en, at)$
insert into alarms (alarm_id, case_id, about, kind, text_zh, text_en, at)
values (:alarm_id, :case_id, :about, :kind, :text_zh, :text_en, :at)
on conflict do nothing returning true;

-- name: alarm_lock(alarm_id)^
select alarm_id, state from alarms where alarm_id = :alarm_id for no key update;

-- name: alarm_get(alarm_id)^
select * from alarms_shown where alarm_id = :alarm_id;

-- name: alarm_list(kind, state, lasting, at, which, max_rows)
-- The newest first, behind a place; `lasting` leaves out those that have ended.
select * from alarms_shown a
where (:kind::text is null or a.kind = :kind) and (:state::text is null or a.state = :state)
  and (not :lasting::boolean or a.state <> 'ended')
  and (:at::timestamptz is null or (a.at, a.alarm_id) < (:at::timestamptz, :which::uuid))
order by a.at desc, a.alarm_id desc limit :max_rows;

-- name: alarms_lasting_of(about)
-- What still calls a person to a case, a plan, or whatever else an alarm may be about.
select alarm_id, kind from alarms where about = :about and state <> 'ended' order by alarm_id;

-- name: alarm_step(alarm_id, step, by, role, reason, at)!
insert into alarm_steps (alarm_id, step, by, role, reason, at) values (:alarm_id, :step, :by, :role, :reason, :at);

-- name: alarm_state(alarm_id, state)!
update alarms set state = :state where alarm_id = :alarm_id;

-- name: alarm_ended_by_hand(about, kind, itself)$
-- When a person last ended an alarm of a kind about something; null where nobody did.
select max(e.at) filter (where e.by <> :itself) from alarms a join alarm_steps e using (alarm_id)
where a.about = :about and a.kind = :kind and e.step = 'ended';
