-- What was refused of which sender, for it to read: over Kafka beside the dead letter, over HTTP beside the answer.
create table refusals (
    refusal_id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),            -- machine time
    sender text not null,                                         -- issuer|subject of its token, or what stands for none
    scope text,                                                   -- what the token spoke for, as it is compared
    way text not null check (way in ('kafka', 'http')),
    place text not null,                                          -- topic/partition/offset, or method and path
    topic text,                                                   -- the dead letter; null over HTTP
    partition int,
    "offset" bigint,
    record_id text,
    record_type text,
    code text not null,
    text_zh text not null,
    text_en text not null,
    faults jsonb not null,                                        -- [{"field", "zh", "en"}], up to ten
    check ((way = 'kafka') = (topic is not null and partition is not null and "offset" is not null))
);
create index refusals_sender on refusals (sender, refusal_id desc);
create index refusals_scope on refusals (scope, refusal_id desc) where scope is not null;
create index refusals_letter on refusals (topic, partition, "offset") where topic is not null;
create index refusals_at on refusals (at);
