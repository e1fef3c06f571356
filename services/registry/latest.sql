-- name: latest_business_time()^
-- The latest instant of business time in this database, and the latest business day; null where there is none.
select greatest(
    (select max(changed_at) from units), (select max(at) from asset_versions), (select max(at) from disappearances),
    (select max(at) from imports), (select max(at) from reopen_permits)
) as instant, null::date as day;
