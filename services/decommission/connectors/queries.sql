-- name: connector_put(platform, type, stop_url, restore_url, probe_url, honours_keys, settings)!
insert into connectors (platform, type, stop_url, restore_url, probe_url, honours_keys, settings)
values (:platform, :type, :stop_url, :restore_url, :probe_url, :honours_keys, :settings::text::jsonb)
on conflict (platform) do update set
    type = excluded.type, settings = excluded.settings,
    stop_url = excluded.stop_url, restore_url = excluded.restore_url, probe_url = excluded.probe_url,
    honours_keys = excluded.honours_keys,
    probe_revision = connectors.probe_revision + (connectors.probe_url <> excluded.probe_url)::int;

-- name: connector_get(platform)^
select platform, type, stop_url, restore_url, probe_url, honours_keys, probe_revision, settings::text as settings
from connectors where platform = :platform;

-- name: connector_list(only, after, max_rows)
-- By platform, with who set it last and when.
select c.platform, c.type, c.stop_url, c.restore_url, c.probe_url, c.honours_keys, c.settings::text as settings, s.actor as set_by, s.at as set_at
from connectors c left join lateral (
    select h.actor, h.at from setup_changes h
    where h.what = 'connector' and h.which = c.platform order by h.change_id desc limit 1
) s on true
where c.platform > :after and (:only::text is null or c.platform = :only)
order by c.platform limit :max_rows;
