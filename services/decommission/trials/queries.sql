-- name: setup_test_lock()$
-- Tests are counted one after the other.
select pg_advisory_xact_lock(hashtextextended('setup tests', 0));

-- name: setup_tests_since(what, which)^
-- How many seconds of the machine ago this one was tried last, and how many tests there were within a minute.
select extract(epoch from clock_timestamp() - (                   -- machine time
           select t.begun from setup_tests t where t.what = :what and t.which = :which order by t.test_id desc limit 1
       ))::float8 as ago,
       (select count(*) from (select t.begun from setup_tests t order by t.test_id desc limit 1000) as l
        where l.begun > clock_timestamp() - interval '1 minute') as lately;  -- machine time

-- name: setup_test_add(what, which, part, actor, at)$
insert into setup_tests (what, which, part, actor, at) values (:what, :which, :part, :actor, :at) returning test_id;

-- name: setup_test_end(test_id, status, took_ms, why)!
insert into setup_test_results (test_id, status, took_ms, why) values (:test_id, :status, :took_ms, :why);

-- name: setup_test_list(what, which, before, max_rows)
-- The newest first.
select t.test_id, t.what, t.which, t.part, t.actor, t.at, r.status, r.took_ms, r.why
from setup_tests t left join setup_test_results r using (test_id)
where (:what::text is null or t.what = :what) and (:which::text is null or t.which = :which)
  and (:before::bigint is null or t.test_id < :before)
order by t.test_id desc limit :max_rows;
