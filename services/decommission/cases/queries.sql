-- name: subject_put(asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running)$
insert into subjects (asset_id, version, kind, platform, identity, address, name, sponsor_id, record, running)
values (:asset_id, :version, :kind, :platform, :identity, :address, :name, :sponsor_id, :record, :running)
on conflict (asset_id) do update set
    version = excluded.version, address = excluded.address, name = excluded.name, sponsor_id = excluded.sponsor_id,
    record = excluded.record, running = excluded.running
where subjects.version < excluded.version
returning true;

-- name: subject_get(asset_id)^
select * from subjects where asset_id = :asset_id;

-- name: unit_put(unit_id, version, parent_id, scheme, value, name)!
-- Only a higher version than the one held is taken, or the same where its name is not held yet.
insert into units (unit_id, version, parent_id, scheme, value, name)
values (:unit_id, :version, :parent_id, :scheme, :value, :name)
on conflict (unit_id) do update set
    version = excluded.version, parent_id = excluded.parent_id, scheme = excluded.scheme, value = excluded.value,
    name = excluded.name
where units.version < excluded.version or (units.version = excluded.version and units.name is null);

-- name: unit_get(unit_id)^
select unit_id, scheme, value, name from units where unit_id = :unit_id;

-- name: units_without_name()$
-- Whether the units have to be read again: they were read when their names were not kept.
select exists(select from units where name is null);

-- name: unit_covers(scheme, key, below)$
-- Whether the unit of a token is this unit or stands above it.
with recursive up as (
    select unit_id, parent_id, scheme, value from units where unit_id = :below
    union
    select u.unit_id, u.parent_id, u.scheme, u.value from units u join up on u.unit_id = up.parent_id
)
select exists (select 1 from up where scheme = :scheme and lower(value) = lower(:key));

-- name: unit_by_code(scheme, key)$
select unit_id from units where scheme = :scheme and lower(value) = lower(:key);

-- name: platform_held(platform)$
-- Whether the registry has told of anything on a platform.
select exists(select from subjects where platform = :platform);

-- name: rule_held(rule)$
-- Whether the monitor has told of a finding of a rule.
select exists(select from findings where evidence->>'rule' = :rule);

-- name: endpoint_for(unit_id, from_height)^
-- The address and key in force of the nearest unit from so many levels above this one: 0 is the unit itself.
with recursive up as (
    select :unit_id::uuid as unit_id, 0 as height
    union all
    select u.parent_id, up.height + 1 from units u join up using (unit_id)
    where u.parent_id is not null and up.height < 20
)
select k.unit_id, k.ordinal, k.url, k.public_key::text as public_key, k.thumbprint, k.set_by, k.set_at, k.proved_at,
       k.confirmed_by, k.confirmed_at, k.in_force_from, k.retired_at, coalesce(e.honours_keys, true) as honours_keys
from up join lateral (select * from unit_key_states s where s.unit_id = up.unit_id) k on true
left join endpoints e on e.unit_id = k.unit_id
where up.height >= :from_height and k.in_force_from is not null and k.retired_at is null
order by up.height limit 1;

-- name: endpoint_get(unit_id)^
select contact, honours_keys from endpoints where unit_id = :unit_id;

-- name: endpoint_put(unit_id, contact, honours_keys)!
insert into endpoints (unit_id, contact, honours_keys) values (:unit_id, :contact, :honours_keys)
on conflict (unit_id) do update set contact = excluded.contact, honours_keys = excluded.honours_keys;

-- name: unit_key_lock(text_)$
-- What is proposed, proved and confirmed for one unit waits for each other.
select pg_advisory_xact_lock(hashtextextended('unit key ' || :text_, 0));

-- name: unit_key_add(unit_id, ordinal, url, public_key, thumbprint, set_by, set_at)!
insert into unit_keys (unit_id, ordinal, url, public_key, thumbprint, set_by, set_at)
values (:unit_id, :ordinal, :url, :public_key::text::jsonb, :thumbprint, :set_by, :set_at);

-- name: unit_keys_of(unit_id)
-- All that was ever proposed for a unit, the newest first.
select k.unit_id, k.ordinal, k.url, k.public_key::text as public_key, k.thumbprint, k.set_by, k.set_at, k.proved_at,
       k.confirmed_by, k.confirmed_at, k.in_force_from, k.retired_at
from unit_key_states k where k.unit_id = :unit_id order by k.ordinal desc;

-- name: unit_key_prove(unit_id, ordinal, proof, at)!
insert into unit_key_proofs (unit_id, ordinal, proof, at) values (:unit_id, :ordinal, :proof, :at)
on conflict do nothing;

-- name: unit_key_confirm(unit_id, ordinal, by, at)!
insert into unit_key_confirmations (unit_id, ordinal, confirmed_by, at) values (:unit_id, :ordinal, :by, :at)
on conflict do nothing;

-- name: unit_key_owe(unit_id, ordinal, before_unit, before_ordinal)!
insert into unit_key_owed (unit_id, ordinal, before_unit, before_ordinal)
values (:unit_id, :ordinal, :before_unit, :before_ordinal) on conflict do nothing;

-- name: unit_keys_to_tell(morning, most)
-- Keys in force of which the address before has not heard, and was not tried since this morning.
select o.unit_id, o.ordinal, o.before_unit, o.before_ordinal, count(t.attempt) as attempts
from unit_key_owed o left join unit_key_tellings t using (unit_id, ordinal)
group by o.unit_id, o.ordinal
having not coalesce(bool_or(t.accepted), false) and count(t.attempt) < :most
   and coalesce(max(t.at) < :morning, true)
order by o.unit_id, o.ordinal;

-- name: unit_key_told(unit_id, ordinal, attempt, accepted, why, at)!
insert into unit_key_tellings (unit_id, ordinal, attempt, accepted, why, at)
values (:unit_id, :ordinal, :attempt, :accepted, :why, :at) on conflict do nothing;

-- name: assets_left(unit_id, asset_id)$
-- How many assets a unit still answers for, besides one: none that is disposed of, whether or not the registry has heard.
select count(*) from subjects s
where s.sponsor_id = :unit_id and s.asset_id <> :asset_id and s.record <> 'closed' and coalesce(
    (select c.state from cases c where c.asset_id = s.asset_id order by c.ordinal desc limit 1), ''
) not in ('disposed', 'closed');

-- name: unit_lock(text_)$
-- Disposals of one unit's assets wait for each other, so that the last one knows that it is.
select pg_advisory_xact_lock(hashtextextended('unit ' || :text_, 0));

-- name: contact_delete(unit_id)!
update endpoints set contact = null where unit_id = :unit_id;

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

-- name: connector_put(platform, stop_url, restore_url, probe_url, honours_keys)!
insert into connectors (platform, stop_url, restore_url, probe_url, honours_keys)
values (:platform, :stop_url, :restore_url, :probe_url, :honours_keys)
on conflict (platform) do update set
    stop_url = excluded.stop_url, restore_url = excluded.restore_url, probe_url = excluded.probe_url,
    honours_keys = excluded.honours_keys,
    probe_revision = connectors.probe_revision + (connectors.probe_url <> excluded.probe_url)::int;

-- name: connector_get(platform)^
select * from connectors where platform = :platform;

-- name: asset_lock(text_)$
-- Two findings of one asset, or a finding and the record, wait for each other before a case exists.
select pg_advisory_xact_lock(hashtextextended(:text_, 0));

-- name: asset_lock_of(case_id)$
-- The same lock, for who knows the case: taken before the case's own row.
select pg_advisory_xact_lock(hashtextextended(asset_id::text, 0)) from cases where case_id = :case_id;

-- name: case_open_of(asset_id)^
select * from cases where asset_id = :asset_id and state not in ('closed', 'ended', 'restored') for no key update;

-- name: case_count(asset_id)$
select count(*) from cases where asset_id = :asset_id;

-- name: case_add(case_id, asset_id, ordinal, finding_id, rule, opened_at, windows)!
insert into cases (case_id, asset_id, ordinal, finding_id, rule, state, version, due_at, opened_at, windows)
values (:case_id, :asset_id, :ordinal, :finding_id, :rule, 'new', 0, null, :opened_at, :windows::text::jsonb);

-- name: case_lock(case_id)^
select *, windows::text as windows_text from cases where case_id = :case_id for no key update;

-- name: case_get(case_id)^
select *, windows::text as windows_text from cases where case_id = :case_id;

-- name: case_update(case_id, state, version, due_at, plan_id)!
update cases set state = :state, version = :version, due_at = :due_at, plan_id = :plan_id where case_id = :case_id;

-- name: case_rest(case_id, due_at)!
update cases set due_at = :due_at where case_id = :case_id;

-- name: case_reopen_on(case_id, on_day)!
update cases set reopen_on = :on_day where case_id = :case_id;

-- name: case_to_reopen(today)^
-- An ended case whose findings are excused no longer.
select case_id, asset_id from cases where reopen_on <= :today order by reopen_on, asset_id limit 1;

-- name: cases_wake(asset_id, now)!
-- A finding may come before the record of its asset: such a case waited for it. Also one that is due: whoever has just
-- looked in vain and is about to lay it down holds its row, and this waits for him.
update cases set due_at = least(due_at, :now) where asset_id = :asset_id and state = 'noticing';

-- name: case_seen(case_id, below)$
-- Whether a case is of an asset for which this unit, or one below it, answers now.
select exists(select from cases c join subjects s using (asset_id)
              where c.case_id = :case_id and s.sponsor_id in (select units_below(:below)));

-- name: case_list(state, asset_id, below, at, which, max_rows)
-- The newest first, behind a place.
select c.case_id, c.asset_id, c.ordinal, c.finding_id, c.rule, c.state, c.version, c.due_at, c.opened_at,
       s.name, s.platform, s.address, s.sponsor_id as unit_id, u.name as unit_name
from cases c left join subjects s using (asset_id) left join units u on u.unit_id = s.sponsor_id
where (:state::text is null or c.state = :state) and (:asset_id::uuid is null or c.asset_id = :asset_id)
  and (:below::uuid is null or s.sponsor_id in (select units_below(:below)))
  and (:at::timestamptz is null or (c.opened_at, c.case_id) < (:at::timestamptz, :which::uuid))
order by c.opened_at desc, c.case_id desc limit :max_rows;

-- name: case_named(asset_id)^
-- How an asset and its unit are called now.
select s.name, s.platform, s.address, s.sponsor_id as unit_id, u.name as unit_name
from subjects s left join units u on u.unit_id = s.sponsor_id where s.asset_id = :asset_id;

-- name: cases_due(until, urgent, after_due, after_asset, max_rows)
-- What is due in one of the two lanes, in order: what is being brought back, or the rest.
select case_id, asset_id, version, due_at from cases
where due_at <= :until and (state = 'restoring') = :urgent::boolean
  and (:after_due::timestamptz is null or (due_at, asset_id) > (:after_due::timestamptz, :after_asset::uuid))
order by due_at, asset_id limit :max_rows;

-- name: cases_due_count(until)$
select count(*) from cases where due_at <= :until;

-- name: cases_of_unit(unit_id, ordinal)
-- Cases short of their stop that a unit's new key changes something for: their notice may find this unit or one below
-- it, or went last to another key while it would go to this unit's now, or was proved by this unit's key before.
with recursive down as (
    select :unit_id::uuid as unit_id, true as nearest
    union
    select u.unit_id, d.nearest and not exists (
        select 1 from unit_key_states k
        where k.unit_id = u.unit_id and k.in_force_from is not null and k.retired_at is null
    )
    from units u join down d on u.parent_id = d.unit_id
)
select c.case_id from cases c join subjects s using (asset_id) left join down on down.unit_id = s.sponsor_id
left join lateral (select n.unit_id, n.key_unit, n.key_ordinal from notices n where n.case_id = c.case_id
                   order by n.ordinal desc limit 1) n on true
where (c.state in ('noticing', 'undelivered') and down.unit_id is not null)
   or (c.state in ('noticing', 'undelivered', 'answering', 'fixing', 'ready', 'planned', 'approved', 'announced',
                   'archived', 'rechecking', 'needs_person')
       and (n.unit_id = :unit_id or down.nearest)
       and (n.key_unit, n.key_ordinal) is distinct from (:unit_id::uuid, :ordinal::int))
order by c.case_id;

-- name: cases_ready()
-- Cases that wait for a plan, in the order in which scarce places are given out.
select c.case_id, c.asset_id, s.sponsor_id, s.kind from cases c join subjects s using (asset_id)
where c.due_at is null and c.state in ('ready', 'answering') order by c.opened_at, c.asset_id;

-- name: log_of(case_id)
select seq, at, actor, kind, data::text as data, previous, sha256, trace from case_log where case_id = :case_id order by seq;

-- name: log_add(case_id, seq, at, actor, kind, data, previous, sha256, trace)!
insert into case_log (case_id, seq, at, actor, kind, data, previous, sha256, trace)
values (:case_id, :seq, :at, :actor, :kind, :data::text::jsonb, :previous, :sha256, :trace);

-- name: cases_moved()
-- Cases whose log has grown since a checkpoint last held it.
select case_id from cases where version > checkpoint_entries order by case_id;

-- name: cases_noted(case_ids, entries)!
-- What a checkpoint says of them. A row that somebody holds is left for the next one, which says the same of it again.
update cases c set checkpoint_entries = n.entries
from unnest(:case_ids::uuid[], :entries::int[]) as n(case_id, entries)
where c.case_id = n.case_id and c.checkpoint_entries < n.entries
  and c.case_id in (select l.case_id from cases l where l.case_id = any(:case_ids::uuid[]) for no key update skip locked);

-- name: checkpoint_add(day, content, sha256, signature)$
insert into checkpoints (day, content, sha256, signature) values (:day, :content, :sha256, :signature)
on conflict do nothing returning true;

-- name: checkpoint_of(case_id)^
-- The newest that holds a case, with the hash of its text as it is stored now.
select day, signature, encode(sha256(convert_to(content, 'UTF8')), 'hex') as actual from checkpoints
where case_ids @> to_jsonb(:case_id::text) order by day desc limit 1;

-- name: checkpoint_get(day)^
select day, content, sha256, signature from checkpoints where day = :day;

-- name: checkpoint_newest()^
select day, sha256 from checkpoints order by day desc limit 1;

-- name: checkpoint_list(after, max_rows)
select day, sha256, signature, jsonb_array_length(case_ids) as cases from checkpoints
where day > :after order by day limit :max_rows;

-- name: finding_add(finding_id, case_id, evidence, evidence_sha256)!
insert into findings (finding_id, case_id, evidence, evidence_sha256)
values (:finding_id, :case_id, :evidence::text::jsonb, :evidence_sha256)
on conflict (finding_id) do update set case_id = excluded.case_id;

-- name: finding_clear(finding_id)$
-- A finding that is no longer true; the case it belongs to.
update findings set cleared = true where finding_id = :finding_id returning case_id;

-- name: findings_left(case_id)
-- What of a case is still held to be true: the finding that opened it first.
select f.finding_id, f.evidence->>'rule' as rule, f.evidence_sha256 from findings f join cases c using (case_id)
where f.case_id = :case_id and not f.cleared order by f.finding_id <> c.finding_id, f.finding_id;

-- name: findings_of(case_id)
-- What a case was opened from and what was attached to it; some of it may be with the asset's next case by now.
select finding_id, evidence::text as evidence, evidence_sha256, cleared from findings
where finding_id in (select (l.data->>'finding_id')::uuid from case_log l
                     where l.case_id = :case_id and l.kind in ('opened', 'finding_attached'))
order by finding_id;

-- name: findings_excused(case_id)
-- What of an ended case is still true, the finding that opened it first; a closed asset has no next case.
select f.finding_id, f.evidence::text as evidence from findings f join cases c using (case_id)
where f.case_id = :case_id and not f.cleared
  and not exists (select 1 from cases d where d.asset_id = c.asset_id and d.state = 'closed')
order by f.finding_id <> c.finding_id, f.finding_id;

-- name: effect_find(case_id, step)^
-- The latest attempt of a step.
select * from effects where case_id = :case_id and step = :step order by ordinal desc limit 1;

-- name: effect_add(key, case_id, step, ordinal)!
insert into effects (key, case_id, step, ordinal, state) values (:key, :case_id, :step, :ordinal, 'started');

-- name: effect_end(key, state, result)!
update effects set state = :state, result = :result::text::jsonb where key = :key;

-- name: notice_put(case_id, body, sha256, key_unit, key_ordinal)!
insert into notices (case_id, ordinal, body, sha256, key_unit, key_ordinal)
select :case_id, coalesce(max(ordinal), 0) + 1, :body, :sha256, :key_unit, :key_ordinal
from notices where case_id = :case_id;

-- name: notice_prove(case_id, unit_id, receipt, public_key)!
-- The latest one's receipt; the ones before keep theirs.
update notices set unit_id = :unit_id, receipt = :receipt, public_key = :public_key::text::jsonb
where case_id = :case_id and ordinal = (select max(ordinal) from notices where case_id = :case_id);

-- name: notice_get(case_id)^
select case_id, body, sha256, unit_id, receipt, public_key::text as public_key, key_unit, key_ordinal from notices
where case_id = :case_id order by ordinal desc limit 1;

-- name: notices_of(case_id)
-- Every notice of a case, with the columns of the key that was in force when it was sent.
select n.ordinal as notice, n.body, n.sha256, n.unit_id as signer, n.receipt, n.public_key::text as receipt_key,
       k.unit_id, k.ordinal, k.url, k.public_key::text as public_key, k.thumbprint, k.set_by, k.set_at, k.proved_at,
       k.confirmed_by, k.confirmed_at, k.in_force_from, k.retired_at
from notices n left join unit_key_states k on k.unit_id = n.key_unit and k.ordinal = n.key_ordinal
where n.case_id = :case_id order by n.ordinal;

-- name: plan_of_day(day)$
select plan_id from plans where sealed_on = :day;

-- name: plan_add(plan_id, sealed_on, content, sha256, sealed_at)!
insert into plans (plan_id, sealed_on, content, sha256, state, sealed_at)
values (:plan_id, :sealed_on, :content, :sha256, 'sealed', :sealed_at);

-- name: plan_member_add(plan_id, case_id, asset_id, unit_id, kind, name, address, unit_name)!
insert into plan_members (plan_id, case_id, asset_id, unit_id, kind, name, address, unit_name)
values (:plan_id, :case_id, :asset_id, :unit_id, :kind, :name, :address, :unit_name);

-- name: plan_lock(plan_id)^
select * from plans where plan_id = :plan_id for update;

-- name: plan_get(plan_id)^
select * from plans where plan_id = :plan_id;

-- name: plan_list(state, at, which, max_rows)
-- The newest first, behind a place; of each its first three members, as they were called when it was sealed.
select p.plan_id, p.sealed_on, p.sha256, p.state, p.sealed_at,
       (select count(*) from plan_members m where m.plan_id = p.plan_id) as members,
       (select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (
            select m.asset_id, coalesce(m.name, s.name) as name, coalesce(m.address, s.address) as address,
                   m.unit_id, coalesce(m.unit_name, u.name) as unit_name
            from plan_members m left join subjects s using (asset_id) left join units u on u.unit_id = m.unit_id
            where m.plan_id = p.plan_id order by m.case_id limit 3) f)::text as first
from plans p
where (:state::text is null or p.state = :state)
  and (:at::timestamptz is null or (p.sealed_at, p.plan_id) < (:at::timestamptz, :which::uuid))
order by p.sealed_at desc, p.plan_id desc limit :max_rows;

-- name: plans_empty()
-- Sealed plans that no case is in any more, as the rows of the cases have it.
select p.plan_id from plans p
where p.state = 'sealed'
  and not exists (select from cases c where c.plan_id = p.plan_id and c.state <> 'ended')
order by p.sealed_at limit 100;

-- name: plans_unsigned(sealed_before)
-- Plans that have waited for their signatures since before an instant.
select plan_id, sealed_on, sealed_at from plans where state = 'sealed' and sealed_at < :sealed_before
order by sealed_at limit 1000;

-- name: plan_state(plan_id, state)!
update plans set state = :state where plan_id = :plan_id;

-- name: plan_members_of(plan_id)
select case_id, asset_id from plan_members where plan_id = :plan_id order by asset_id;

-- name: plan_reject(plan_id, by, reason, at)!
insert into plan_rejections (plan_id, rejected_by, reason, at) values (:plan_id, :by, :reason, :at);

-- name: plan_rejection(plan_id)^
select rejected_by as by, reason, at from plan_rejections where plan_id = :plan_id;

-- name: approval_add(plan_id, approver, sha256, at)$
insert into approvals (plan_id, approver, sha256, at) values (:plan_id, :approver, :sha256, :at)
on conflict do nothing returning true;

-- name: approvals_of(plan_id)
select approver, sha256, at from approvals where plan_id = :plan_id order by at, approver;

-- name: mandate_add(mandate_id, rule, max_per_day, until, proposed_by, proposed_at)!
insert into mandates (mandate_id, rule, max_per_day, until, proposed_by, proposed_at)
values (:mandate_id, :rule, :max_per_day, :until, :proposed_by, :proposed_at)
on conflict do nothing;

-- name: mandate_get(mandate_id)^
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers
from mandates m where mandate_id = :mandate_id;

-- name: mandate_sign(mandate_id, approver, at)$
insert into mandate_approvals (mandate_id, approver, at) values (:mandate_id, :approver, :at)
on conflict do nothing returning true;

-- name: mandate_revoke(mandate_id, by, reason, at)!
insert into mandate_revocations (mandate_id, revoked_by, reason, at) values (:mandate_id, :by, :reason, :at)
on conflict do nothing;

-- name: mandate_revocation(mandate_id)^
select revoked_by as by, reason, at from mandate_revocations where mandate_id = :mandate_id;

-- name: mandates_all(named)
-- The standing approvals of these ids, with who signed and who revoked each.
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers,
       r.revoked_by, r.at as revoked_at, r.reason as revoked_why
from mandates m left join mandate_revocations r using (mandate_id)
where m.mandate_id = any(:named::uuid[]) order by m.until, m.mandate_id;

-- name: mandate_list(at, which, max_rows)
-- The newest first, behind a place.
select m.*, (select coalesce(array_agg(a.approver order by a.at, a.approver), '{}') from mandate_approvals a
             where a.mandate_id = m.mandate_id) as approvers,
       r.revoked_by, r.at as revoked_at, r.reason as revoked_why
from mandates m left join mandate_revocations r using (mandate_id)
where :at::timestamptz is null or (m.proposed_at, m.mandate_id) < (:at::timestamptz, :which::uuid)
order by m.proposed_at desc, m.mandate_id desc limit :max_rows;

-- name: mandates_live(day)
-- Standing approvals that have not ended and that nobody took back, with who signed each.
select m.mandate_id, m.rule, m.max_per_day, m.proposed_by, array_agg(a.approver) as approvers
from mandates m join mandate_approvals a using (mandate_id)
where m.until >= :day
  and not exists (select 1 from mandate_revocations r where r.mandate_id = m.mandate_id)
group by m.mandate_id;

-- name: mandate_of_rule(mandates, rule)^
-- The standing approval of a rule among those that a plan was approved under, with who proposed and who signed it.
select m.mandate_id, m.max_per_day, m.until, m.proposed_by,
       (select coalesce(array_agg(a.approver), '{}') from mandate_approvals a
        where a.mandate_id = m.mandate_id) as approvers,
       exists (select 1 from mandate_revocations r where r.mandate_id = m.mandate_id) as revoked
from mandates m where m.mandate_id = any(:mandates::uuid[]) and m.rule = :rule;

-- name: slots_lock(day)$
-- Places of a day are given out one after the other.
select pg_advisory_xact_lock(hashtextextended('slots ' || :day::date::text, 0));

-- name: slots_taken(day, unit_id, kind)^
select count(*) as day, count(*) filter (where unit_id = :unit_id) as unit, count(*) filter (where kind = :kind) as kind
from slots where day = :day;

-- name: slots_under_mandate(day, mandate_id, rule)$
-- Places of a day that were given to cases with a finding of a rule, approved under its mandate.
select count(*) from slots s
where s.day = :day and exists (select 1 from findings f where f.case_id = s.case_id and f.evidence->>'rule' = :rule)
  and exists (
    select 1 from case_log l
    where l.case_id = s.case_id and l.kind = 'approved' and l.data->'mandates' @> to_jsonb(:mandate_id::text)
);

-- name: slot_add(day, case_id, unit_id, kind)!
insert into slots (day, case_id, unit_id, kind) values (:day, :case_id, :unit_id, :kind) on conflict do nothing;

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

-- name: alarm_add(alarm_id, case_id, about, kind, text_zh, text_en, at)$
insert into alarms (alarm_id, case_id, about, kind, text_zh, text_en, at)
values (:alarm_id, :case_id, :about, :kind, :text_zh, :text_en, :at)
on conflict do nothing returning true;

-- name: alarm_lock(alarm_id)^
select alarm_id, state from alarms where alarm_id = :alarm_id for no key update;

-- name: alarm_get(alarm_id)^
select * from alarms_shown where alarm_id = :alarm_id;

-- name: alarm_list(kind, state, lasting, at, which, max_rows)
-- The newest first, behind a place; `lasting` leaves out those that have ended.
select * from alarms_shown a
where (:kind::text is null or a.kind = :kind) and (:state::text is null or a.state = :state)
  and (not :lasting::boolean or a.state <> 'ended')
  and (:at::timestamptz is null or (a.at, a.alarm_id) < (:at::timestamptz, :which::uuid))
order by a.at desc, a.alarm_id desc limit :max_rows;

-- name: alarms_lasting_of(about)
-- What still calls a person to a case, a plan, or whatever else an alarm may be about.
select alarm_id, kind from alarms where about = :about and state <> 'ended' order by alarm_id;

-- name: alarms_lasting(after, max_rows)
-- Alarms about cases that have not ended, in the order of the cases.
select distinct about as case_id from alarms where state <> 'ended' and about = case_id
  and (:after::uuid is null or about > :after::uuid)
order by case_id limit :max_rows;

-- name: alarm_step(alarm_id, step, by, role, reason, at)!
insert into alarm_steps (alarm_id, step, by, role, reason, at) values (:alarm_id, :step, :by, :role, :reason, :at);

-- name: alarm_state(alarm_id, state)!
update alarms set state = :state where alarm_id = :alarm_id;

-- name: alarm_ended_by_hand(about, kind, itself)$
-- When a person last ended an alarm of a kind about something; null where nobody did.
select max(e.at) filter (where e.by <> :itself) from alarms a join alarm_steps e using (alarm_id)
where a.about = :about and a.kind = :kind and e.step = 'ended';

-- name: cases_waiting(after, max_rows)
-- Cases that do not move by themselves, but for those whose plan waits to be signed.
select c.case_id from cases c left join plans p using (plan_id)
where c.due_at is null and c.state not in ('closed', 'ended', 'restored')
  and (c.state <> 'planned' or p.state is distinct from 'sealed')
  and (:after::uuid is null or c.case_id > :after::uuid)
order by c.case_id limit :max_rows;

-- name: cases_unsure(after, max_rows)
-- Cases in which a question to the monitor may stand unanswered.
select case_id from cases where state in ('rechecking', 'fixing', 'archived', 'stopping')
  and (:after::uuid is null or case_id > :after::uuid)
order by case_id limit :max_rows;

-- name: controls_get()^
select released_until, killed, round_wanted, round_working from controls;

-- name: controls_lock()^
-- Who turns the switch, or records what a start brought, waits for whoever does so at the same time.
select killed from controls for update;

-- name: release_until(until)!
update controls set released_until = greatest(coalesce(released_until, :until), :until), round_wanted = true;

-- name: round_begin()$
-- From here on the round that was asked for is being worked.
update controls set round_wanted = false, round_working = true where round_wanted or round_working returning true;

-- name: round_end()!
update controls set round_working = false where round_working;

-- name: kill_switch(killed)!
update controls set killed = :killed;

-- name: executor_lock(key)$
select pg_try_advisory_lock(:key);

-- name: executor_unlock(key)$
select pg_advisory_unlock(:key);

-- name: announced_cases(after, case_id, max_rows)
-- Cases that were announced, by their log or by where their row stands: a row taken out of a log hides no announcement.
select c.case_id, c.asset_id, s.name, s.platform, s.address, s.sponsor_id as unit_id, u.scheme || ':' || u.value as unit_code,
       u.name as unit_name,
       coalesce((select f.evidence->>'rule' from findings f where f.case_id = c.case_id and not f.cleared
                 order by f.finding_id <> c.finding_id, f.finding_id limit 1), c.rule) as rule
from cases c join subjects s using (asset_id) left join units u on u.unit_id = s.sponsor_id
where c.case_id > :after::uuid and (:case_id::uuid is null or c.case_id = :case_id)
  and (c.state in ('announced', 'archived', 'rechecking', 'stopping', 'verifying', 'verified', 'unverified', 'disposed',
                   'closed', 'restoring', 'restored')
       or exists (select 1 from case_log l where l.case_id = c.case_id and l.kind = 'announced'))
order by c.case_id limit :max_rows;

-- name: connector_list(only, after, max_rows)
-- By platform, with who set it last and when.
select c.*, s.actor as set_by, s.at as set_at
from connectors c left join lateral (
    select h.actor, h.at from setup_changes h
    where h.what = 'connector' and h.which = c.platform order by h.change_id desc limit 1
) s on true
where c.platform > :after and (:only::text is null or c.platform = :only)
order by c.platform limit :max_rows;

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
