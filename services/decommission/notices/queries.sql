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
