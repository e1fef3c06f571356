-- name: checkpoint_of(case_id)^
-- The newest that holds a case, with the hash of its text as it is stored now.
select day, signature, encode(sha256(convert_to(content, 'UTF8')), 'hex') as actual from checkpoints
where case_ids @> to_jsonb(:case_id::text) order by day desc limit 1;

-- name: checkpoint_get(day)^
select day, content, sha256, signature from checkpoints where day = :day;
