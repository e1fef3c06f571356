-- name: latest_business_time()^
-- The latest instant of business time that stands in this database, and the latest business day; null where there is none.
select greatest(
    (select max(at) from case_log), (select max(opened_at) from cases), (select max(sealed_at) from plans),
    (select max(at) from approvals), (select max(at) from plan_rejections), (select max(proposed_at) from mandates),
    (select max(at) from mandate_approvals), (select max(at) from mandate_revocations), (select max(at) from alarms),
    (select max(at) from alarm_steps),
    (select max(at) from setup_tests), (select max(at) from setup_changes), (select max(at) from archives), (select max(set_at) from unit_keys),
    (select max(at) from unit_key_proofs), (select max(at) from unit_key_confirmations),
    (select max(at) from unit_key_tellings), (select released_until from controls)
) as instant, (select max(day) from slots) as day;
