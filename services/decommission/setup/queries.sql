-- name: setup_change_add(what, which, before, after, actor, at)!
insert into setup_changes (what, which, before, after, actor, at)
values (:what, :which, :before::text::jsonb, :after::text::jsonb, :actor, :at);

-- name: setup_change_last(what, which)^
-- The newest change of one part of the set-up; `reason` is given where a person turned a switch.
select after::text as after, after->>'reason' as reason, actor, at from setup_changes
where what = :what and which = :which order by change_id desc limit 1;

-- name: setup_changes_list(after, max_rows)
select change_id, what, which, before::text as before, after::text as after, actor, at from setup_changes
where change_id > :after order by change_id limit :max_rows;
