-- name: effect_find(case_id, step)^
-- The latest attempt of a step.
select * from effects where case_id = :case_id and step = :step order by ordinal desc limit 1;

-- name: effect_add(key, case_id, step, ordinal)!
insert into effects (key, case_id, step, ordinal, state) values (:key, :case_id, :step, :ordinal, 'started');

-- name: effect_end(key, state, result)!
update effects set state = :state, result = :result::text::jsonb where key = :key;
