-- name: migrations_table#
-- The record of what has been applied, with the hash of each file as it was.
create table if not exists schema_migrations (
    name text primary key,
    sha256 text not null,
    applied timestamptz not null default clock_timestamp()        -- machine time
);

-- name: applied_migrations()
select name, sha256 from schema_migrations order by name;

-- name: record_migration(name, sha256)!
insert into schema_migrations (name, sha256) values (:name, :sha256);

-- name: outbox_add(topic, key, payload, headers)!
insert into outbox (topic, key, payload, headers) values (:topic, :key, :payload, :headers);

-- name: outbox_take(batch)
-- Oldest first; the rows stay locked until the relay has Kafka's acknowledgement and commits. A second relay, should
-- there ever be one, waits here and then finds them gone: it must not go ahead with what comes after them.
delete from outbox
where id = any(array(select id from outbox order by id limit :batch))
returning id, topic, key, payload, headers;

-- name: outbox_depth()$
select count(*) from outbox;

-- name: outbox_notify(channel)$
-- Sent after commit on a connection of its own: inside the writing transaction it would serialise commits.
select pg_notify(:channel, '');

-- name: leader_lock(key)$
-- Held for the session: one leader of a name per database.
select pg_try_advisory_lock(:key);

-- name: inbox_add(consumer, event_id)$
insert into inbox (consumer, event_id) values (:consumer, :event_id)
on conflict do nothing
returning true;

-- name: inbox_prune(keep_days)!
delete from inbox where seen < clock_timestamp() - make_interval(days => :keep_days);  -- machine time

-- name: idempotency_prune(keep_days)!
delete from http_idempotency where given < clock_timestamp() - make_interval(days => :keep_days);  -- machine time

-- name: clock_read()$
select instant from business_clock;

-- name: clock_write(instant)!
insert into business_clock (instant) values (:instant)
on conflict (only_row) do update set instant = greatest(business_clock.instant, excluded.instant);

-- name: dead_add(topic, partition, offset_, event_id, event_type, key, payload, headers, appended, reason_code, reason)$
insert into dead_letters (topic, partition, "offset", event_id, event_type, key, payload, headers, appended,
                          reason_code, reason)
values (:topic, :partition, :offset_, :event_id, :event_type, :key, :payload, :headers, :appended, :reason_code,
        :reason)
on conflict do nothing
returning true;

-- name: dead_list(state, everything, sender, scope, topic, partition, offset_, max_rows)
-- Oldest first; those that follow the letter from that place, or all where there is no topic. Of everybody, or of one
-- sender and of those that spoke for the same.
select topic, partition, "offset", event_id, event_type, reason_code, reason, state, buried
from dead_letters d
where state = :state and (:everything::boolean or d.sender = :sender or exists (
    select from refusals r
    where r.topic = d.topic and r.partition = d.partition and r."offset" = d."offset"
      and (r.sender = :sender or r.scope = :scope)
)) and (:topic::text is null or (buried, topic, partition, "offset") > (
    select l.buried, l.topic, l.partition, l."offset" from dead_letters l
    where l.topic = :topic and l.partition = :partition and l."offset" = :offset_))
order by buried, topic, partition, "offset" limit :max_rows;

-- name: dead_get(topic, partition, offset_)^
select * from dead_letters where topic = :topic and partition = :partition and "offset" = :offset_ for update;

-- name: dead_mark(topic, partition, offset_, state)!
update dead_letters set state = :state where topic = :topic and partition = :partition and "offset" = :offset_;

-- name: dead_refuse(topic, partition, offset_, reason_code, reason)$
-- A parked record that was judged after all, and refused.
update dead_letters set state = 'dead', reason_code = :reason_code, reason = :reason
where topic = :topic and partition = :partition and "offset" = :offset_ and state = 'parked'
returning true;

-- name: parked_add(topic, partition, offset_, key, payload, headers, appended, sender)!
insert into dead_letters (topic, partition, "offset", key, payload, headers, appended, reason_code, reason, state, sender)
values (:topic, :partition, :offset_, :key, :payload, :headers, :appended, 'parked', 'its sender is set aside', 'parked',
        :sender)
on conflict do nothing;

-- name: parked_known(topic, partitions, offsets)
-- Which of these places are kept already.
select d.partition, d."offset" from dead_letters d
join unnest(:partitions::int[], :offsets::bigint[]) as v (p, o) on d.partition = v.p and d."offset" = v.o
where d.topic = :topic;

-- name: parked_list(topic, sender, max_rows)
select * from dead_letters where topic = :topic and sender = :sender and state = 'parked'
order by partition, "offset" limit :max_rows;

-- name: parked_count(topic, sender)$
select count(*) from dead_letters where topic = :topic and sender = :sender and state = 'parked';

-- name: ranges_add(topic, sender, partitions, offsets)!
-- Counts each place once, however often it is delivered: within a partition places come in order.
insert into parked_ranges as r (topic, sender, partition, first_offset, last_offset, records)
select :topic, :sender, v.p, min(v.o), max(v.o), count(*)
from unnest(:partitions::int[], :offsets::bigint[]) as v (p, o)
where not exists (select 1 from parked_ranges h where h.topic = :topic and h.sender = :sender and h.partition = v.p
                  and h.last_offset >= v.o)
group by v.p
on conflict (topic, sender, partition) do update
set last_offset = excluded.last_offset, records = r.records + excluded.records;

-- name: ranges_advance(topic, sender, partition, expected, next, found)$
-- Compare-and-set: what was read again from `expected` on is kept now; true where no other process was faster.
update parked_ranges set first_offset = :next, records = greatest(records - :found, 0)
where topic = :topic and sender = :sender and partition = :partition and first_offset = :expected
returning true;

-- name: ranges_end(topic, sender, partition)$
-- A range that was read again to its end; of how many places the broker had nothing any more.
delete from parked_ranges
where topic = :topic and sender = :sender and partition = :partition and first_offset > last_offset
returning records;

-- name: ranges_of(topic, sender)
select partition, first_offset as first, last_offset as last, records from parked_ranges
where topic = :topic and sender = :sender order by partition;

-- name: aside_add(topic, sender, reason_code, reason)!
insert into senders_aside (topic, sender, reason_code, reason) values (:topic, :sender, :reason_code, :reason)
on conflict do nothing;

-- name: aside_of(topic)
select sender from senders_aside where topic = :topic;

-- name: aside_list()
-- Oldest first; there are as many as the issuer names, and two.
select a.topic, a.sender, a.since, a.reason_code, a.reason,
    (select count(*) from dead_letters d where d.topic = a.topic and d.sender = a.sender and d.state = 'parked') as parked,
    (select coalesce(sum(r.records), 0)::bigint from parked_ranges r where r.topic = a.topic and r.sender = a.sender)
        as not_kept
from senders_aside a order by a.since, a.topic, a.sender;

-- name: aside_own(sender)
select topic, since, reason_code as code, reason from senders_aside where sender = :sender order by since, topic;

-- name: refusal_add(sender, scope, way, place, topic, partition, offset_, record_id, record_type, code, text_zh, text_en, faults)!
insert into refusals (sender, scope, way, place, topic, partition, "offset", record_id, record_type, code, text_zh,
                      text_en, faults)
values (:sender, :scope, :way, :place, :topic, :partition, :offset_, :record_id, :record_type, :code, :text_zh,
        :text_en, :faults::text::jsonb);

-- name: refusals_bound(sender, kept)!
-- No more than so many of one sender: a flood of refusals costs no more.
-- What another process is about to delete is left to it.
delete from refusals where refusal_id in (
    select o.refusal_id from refusals o
    where o.sender = :sender and o.refusal_id <= (
        select r.refusal_id from refusals r where r.sender = :sender order by r.refusal_id desc offset :kept limit 1)
    for update skip locked);

-- name: refusals_prune(keep_days)!
delete from refusals where at < clock_timestamp() - make_interval(days => :keep_days);  -- machine time

-- name: refusals_of(everything, sender, scope, before, max_rows)
-- The newest first: of one sender and of those that spoke for the same; or of everybody, by sender where one is named.
select r.refusal_id, r.at, r.sender, r.way, r.place, r.record_id, r.record_type, r.code, r.text_zh, r.text_en,
       r.faults::text as faults, d.state
from refusals r left join dead_letters d on d.topic = r.topic and d.partition = r.partition and d."offset" = r."offset"
where (:everything::boolean and (:sender::text is null or r.sender = :sender)
       or not :everything and (r.sender = :sender or r.scope = :scope))
  and (:before::bigint is null or r.refusal_id < :before)
order by r.refusal_id desc limit :max_rows;

-- name: aside_lock(topic, sender)$
-- Whether it is still set aside; who parks and who releases wait for each other.
select true from senders_aside where topic = :topic and sender = :sender for update;

-- name: aside_end(topic, sender)!
delete from senders_aside where topic = :topic and sender = :sender;

-- name: offsets_of(consumer, topic, partitions)
select partition, next_offset from consumer_offsets
where consumer = :consumer and topic = :topic and partition = any(:partitions::int[]);

-- name: offsets_advance(consumer, topic, partitions, expected, next)
-- Compare-and-set: the row moves only from the offset the writer started at, so a zombie cannot write twice.
insert into consumer_offsets as o (consumer, topic, partition, next_offset)
select :consumer, :topic, v.p, v.nx
from unnest(:partitions::int[], :next::bigint[]) as v (p, nx)
order by v.p
on conflict (consumer, topic, partition) do update set next_offset = excluded.next_offset
where o.next_offset = (
    select e.ex from unnest(:partitions::int[], :expected::bigint[]) as e (p, ex) where e.p = o.partition
)
returning partition;

-- name: idempotency_hold(principal, key)$
select pg_advisory_xact_lock(hashtextextended(:principal || chr(31) || :key, 0));

-- name: idempotency_find(principal, key)^
select fingerprint, status, body from http_idempotency where principal = :principal and key = :key;

-- name: idempotency_keep(principal, key, fingerprint, status, body)!
insert into http_idempotency (principal, key, fingerprint, status, body)
values (:principal, :key, :fingerprint, :status, :body)
on conflict do nothing;

-- name: tables()
select c.relname as name, coalesce(obj_description(c.oid), '') as comment
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') order by 1;

-- name: plan_for_values()$
-- In this transaction each statement is planned for the values it is given: a filter of a list that is not asked for is
-- then none, and the index of those that are is taken, so that a page costs what its rows do.
select set_config('plan_cache_mode', 'force_custom_plan', true);
