-- A tombstone says the rule in words, as the pack that judged it has it, and on what it rests; null for older ones.
alter table tombstones
add column title text,
add column basis text,
add column label text,
add column pack text,
add column pack_version text;
