-- name: connector_put(platform, stop_url, restore_url, probe_url, honours_keys)!
insert into connectors (platform, stop_url, restore_url, probe_url, honours_keys)
values (:platform, :stop_url, :restore_url, :probe_url, :honours_keys)
on conflict (platform) do update set
    stop_url = excluded.stop_url, restore_url = excluded.restore_url, probe_url = excluded.probe_url,
    honours_keys = excluded.honours_keys,
    probe_revision = connectors.probe_revision + (connectors.probe_url <> excluded.probe_url)::int;

-- name: connector_get(platform)^
select * from connectors where platform = :platform;

-- name: connector_list(only, after, max_rows)
-- By platform, with who set it last and when.
select c.*, s.actor as set_by, s.at as set_at
from connectors c left join lateral (
    select h.actor, h.at from setup_changes h
    where h.what = 'connector' and h.which = c.platform order by h.change_id desc limit 1
) s on true
where c.platform > :after and (:only::text is null or c.platform = :only)
order by c.platform limit :max_rows;
