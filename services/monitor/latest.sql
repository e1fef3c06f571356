-- name: latest_business_time()^
-- The latest instant of business time in this database, and the latest business day; null where there is none.
-- What senders say of days is not asked: a day of usage is the sender's word.
select greatest(
    (select max(opened_at) from findings), (select max(cleared_at) from findings),
    (select max(decided_at) from admissions), (select max(at) from source_changes)
) as instant, (select max(day) from sweeps) as day;
