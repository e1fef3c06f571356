-- name: archive_put(case_id, sha256, files, checks, at, seen_under)!
insert into archives (case_id, sha256, files, checks, at, seen_under)
values (:case_id, :sha256, :files, :checks::text::jsonb, :at, :seen_under)
on conflict (case_id) do update set
    sha256 = excluded.sha256, files = excluded.files, checks = excluded.checks, at = excluded.at,
    seen_under = excluded.seen_under;

-- name: archive_seen(case_id, seen_under)!
update archives set seen_under = :seen_under where case_id = :case_id;

-- name: archive_get(case_id)^
select case_id, sha256, files, checks::text as checks, at, seen_under from archives where case_id = :case_id;
