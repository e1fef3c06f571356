-- An alarm as people are shown it, one by one and in lists: with whose it is, who acknowledged it and who ended it.

create view alarms_shown as
select a.alarm_id, a.case_id, a.about, a.kind, a.text_zh, a.text_en, a.at, a.state,
       s.asset_id, s.name, s.platform, s.address, s.sponsor_id as unit_id, u.name as unit_name,
       k.by as acknowledged_by, k.role as acknowledged_as, k.reason as acknowledged_why, k.at as acknowledged_at,
       e.by as ended_by, e.role as ended_as, e.reason as ended_why, e.at as ended_at
from alarms a
left join cases c using (case_id)
left join subjects s using (asset_id)
left join units u on u.unit_id = s.sponsor_id
left join alarm_steps k on k.alarm_id = a.alarm_id and k.step = 'acknowledged'
left join alarm_steps e on e.alarm_id = a.alarm_id and e.step = 'ended';
