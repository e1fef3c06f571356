CREATE TABLE public.admissions (
    source text NOT NULL,
    version integer NOT NULL,
    since date NOT NULL,
    admitted boolean NOT NULL,
    agents text[] NOT NULL,
    measures text[] NOT NULL,
    everything boolean NOT NULL,
    units uuid[],
    platforms text[],
    kinds text[],
    assets uuid[],
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT admissions_check CHECK (((NOT admitted) OR ((agents <> '{}'::text[]) AND (measures <> '{}'::text[])))),
    CONSTRAINT admissions_check1 CHECK (((NOT admitted) OR (everything = (num_nonnulls(units, platforms, kinds, assets) = 0)))),
    CONSTRAINT admissions_version_check CHECK ((version > 0))
);

COMMENT ON TABLE public.admissions IS 'append-only: who admitted a source, for whom and what, and since when';

CREATE FUNCTION public.covers_asset(m public.admissions, asset_id uuid, kind text, platform text, above uuid[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    select coalesce(
        (m.assets is null or asset_id = any(m.assets)) and (m.kinds is null or kind = any(m.kinds))
        and (m.platforms is null or platform = any(m.platforms)) and (m.units is null or m.units && above), false)
$$;

CREATE FUNCTION public.units_below(top uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    AS $$
    with recursive down as (
        select top as unit_id
        union
        select u.unit_id from units u join down on u.parent_id = down.unit_id
    )
    select unit_id from down
$$;

CREATE TABLE public.assets (
    asset_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    identity text NOT NULL,
    address text NOT NULL,
    name text NOT NULL,
    record text NOT NULL,
    running text NOT NULL,
    source text NOT NULL,
    listed_on date NOT NULL,
    opened_on date,
    sponsor_id uuid,
    CONSTRAINT assets_version_check CHECK ((version > 0)),
    CONSTRAINT assets_words_check CHECK ((((length(kind) >= 1) AND (length(kind) <= 60)) AND ((length(record) >= 1) AND (length(record) <= 60)) AND ((length(running) >= 1) AND (length(running) <= 60))))
);

CREATE TABLE public.business_clock (
    only_row boolean DEFAULT true NOT NULL,
    instant timestamp with time zone NOT NULL,
    CONSTRAINT business_clock_only_row_check CHECK (only_row)
);

CREATE TABLE public.consumer_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT consumer_offsets_next_offset_check CHECK ((next_offset >= 0))
);

CREATE TABLE public.covers (
    cover bytea NOT NULL,
    assets uuid[] NOT NULL,
    CONSTRAINT covers_cover_check CHECK ((length(cover) = 32))
);

CREATE TABLE public.dead_letters (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    event_id text,
    event_type text,
    key bytea,
    payload bytea,
    headers bytea NOT NULL,
    reason_code text NOT NULL,
    reason text NOT NULL,
    state text DEFAULT 'dead'::text NOT NULL,
    buried timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    appended double precision,
    sender text,
    CONSTRAINT dead_letters_state_check CHECK ((state = ANY (ARRAY['dead'::text, 'replayed'::text, 'discarded'::text, 'parked'::text])))
);

CREATE TABLE public.findings (
    finding_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    rule text NOT NULL,
    ordinal integer NOT NULL,
    state text NOT NULL,
    verdict text NOT NULL,
    proposal text NOT NULL,
    pack text NOT NULL,
    pack_version text NOT NULL,
    condition text NOT NULL,
    basis text NOT NULL,
    label text NOT NULL,
    clears_when text NOT NULL,
    signals jsonb NOT NULL,
    opened_on date NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    cleared_on date,
    cleared_at timestamp with time zone,
    cleared_because text,
    agents text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT findings_check CHECK (((state = 'cleared'::text) = (cleared_on IS NOT NULL))),
    CONSTRAINT findings_ordinal_check CHECK ((ordinal > 0)),
    CONSTRAINT findings_state_check CHECK ((state = ANY (ARRAY['open'::text, 'cleared'::text])))
);

CREATE TABLE public.gauge_days (
    asset_id uuid NOT NULL,
    measure text NOT NULL,
    day date NOT NULL,
    value bigint NOT NULL,
    ts bigint NOT NULL,
    source text NOT NULL
)
WITH (fillfactor='80');

CREATE TABLE public.http_idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL,
    given timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id text NOT NULL,
    seen timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key bytea,
    payload bytea,
    headers bytea NOT NULL,
    written timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.parked_ranges (
    topic text NOT NULL,
    sender text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    records bigint NOT NULL,
    CONSTRAINT parked_ranges_records_check CHECK ((records >= 0))
);

CREATE TABLE public.readings (
    asset_id uuid NOT NULL,
    measure text NOT NULL,
    day date NOT NULL,
    source text NOT NULL,
    value bigint NOT NULL,
    ts bigint NOT NULL
)
WITH (fillfactor='80');

CREATE TABLE public.refusals (
    refusal_id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sender text NOT NULL,
    scope text,
    way text NOT NULL,
    place text NOT NULL,
    topic text,
    partition integer,
    "offset" bigint,
    record_id text,
    record_type text,
    code text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    faults jsonb NOT NULL,
    CONSTRAINT refusals_check CHECK (((way = 'kafka'::text) = ((topic IS NOT NULL) AND (partition IS NOT NULL) AND ("offset" IS NOT NULL)))),
    CONSTRAINT refusals_way_check CHECK ((way = ANY (ARRAY['kafka'::text, 'http'::text])))
);

ALTER TABLE public.refusals ALTER COLUMN refusal_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.refusals_refusal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.senders_aside (
    topic text NOT NULL,
    sender text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reason_code text NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.source_changes (
    change_id bigint NOT NULL,
    source text NOT NULL,
    what text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT source_changes_what_check CHECK ((what = ANY (ARRAY['terms'::text, 'admission'::text, 'withdrawal'::text])))
);

COMMENT ON TABLE public.source_changes IS 'append-only: who changed what a source may do, from what to what';

ALTER TABLE public.source_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.source_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.source_days (
    source text NOT NULL,
    day date NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    stated bigint,
    revision integer DEFAULT 0 NOT NULL,
    covered integer,
    cover bytea,
    counted bytea,
    measures text[] DEFAULT '{posts}'::text[] NOT NULL,
    within bytea,
    beyond integer DEFAULT 0 NOT NULL,
    stated_by text,
    CONSTRAINT source_days_check CHECK (((stated IS NULL) = (cover IS NULL))),
    CONSTRAINT source_days_received_check CHECK ((received >= 0)),
    CONSTRAINT source_days_stated_check CHECK ((stated >= 0))
)
WITH (fillfactor='80');

CREATE TABLE public.sources (
    source text NOT NULL,
    rhythm_days integer DEFAULT 1 NOT NULL,
    floor_share numeric DEFAULT 0.8 NOT NULL,
    lookback_days integer DEFAULT 7 NOT NULL,
    configured_on date NOT NULL,
    healthy boolean DEFAULT true NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    judged_on date,
    version integer DEFAULT 0 NOT NULL,
    admitted datemultirange DEFAULT '{}'::datemultirange NOT NULL,
    CONSTRAINT sources_floor_share_check CHECK (((floor_share >= (0)::numeric) AND (floor_share <= (1)::numeric))),
    CONSTRAINT sources_lookback_days_check CHECK (((lookback_days >= 1) AND (lookback_days <= 60))),
    CONSTRAINT sources_rhythm_days_check CHECK (((rhythm_days >= 1) AND (rhythm_days <= 31)))
);

CREATE TABLE public.stops (
    asset_id uuid NOT NULL,
    case_id uuid NOT NULL,
    stopped boolean NOT NULL
);

CREATE TABLE public.sweeps (
    day date NOT NULL,
    healthy text[] NOT NULL,
    packs jsonb NOT NULL,
    reached uuid,
    finished boolean DEFAULT false NOT NULL,
    counts jsonb NOT NULL
);

CREATE TABLE public.units (
    unit_id uuid NOT NULL,
    version integer NOT NULL,
    parent_id uuid,
    scheme text,
    value text,
    name text
);

CREATE TABLE public.usage_days (
    asset_id uuid NOT NULL,
    measure text NOT NULL,
    day date NOT NULL,
    total bigint NOT NULL,
    users bytea,
    users_estimate integer,
    CONSTRAINT usage_days_total_check CHECK ((total >= 0))
)
WITH (fillfactor='80');

CREATE TABLE public.verdicts (
    asset_id uuid NOT NULL,
    from_day date NOT NULL,
    until_day date,
    verdict text NOT NULL,
    rule text,
    CONSTRAINT verdicts_check CHECK ((until_day >= from_day)),
    CONSTRAINT verdicts_verdict_check CHECK ((verdict = ANY (ARRAY['ACTIVE'::text, 'IDLE'::text, 'ZOMBIE'::text, 'UNKNOWN'::text])))
);

CREATE TABLE public.vouched (
    asset_id uuid NOT NULL,
    source text NOT NULL,
    days datemultirange NOT NULL,
    stated_on date
)
WITH (fillfactor='70');

CREATE VIEW public.watched_assets AS
 SELECT asset_id,
    version,
    kind,
    platform,
    identity,
    address,
    name,
    record,
    running,
    source,
    listed_on,
    opened_on,
    sponsor_id
   FROM public.assets a
  WHERE ((kind = 'account'::text) AND (record = ANY (ARRAY['draft'::text, 'in_review'::text, 'filed'::text])) AND (running = ANY (ARRAY['building'::text, 'online'::text, 'suspended'::text])) AND (NOT (asset_id IN ( SELECT s.asset_id
           FROM public.stops s
          WHERE s.stopped))));

ALTER TABLE ONLY public.admissions
    ADD CONSTRAINT admissions_pkey PRIMARY KEY (source, version);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.consumer_offsets
    ADD CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer, topic, partition);

ALTER TABLE ONLY public.covers
    ADD CONSTRAINT covers_pkey PRIMARY KEY (cover);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT findings_asset_id_rule_ordinal_key UNIQUE (asset_id, rule, ordinal);

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT findings_pkey PRIMARY KEY (finding_id);

ALTER TABLE ONLY public.gauge_days
    ADD CONSTRAINT gauge_days_pkey PRIMARY KEY (asset_id, measure, day);

ALTER TABLE ONLY public.http_idempotency
    ADD CONSTRAINT http_idempotency_pkey PRIMARY KEY (principal, key);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_pkey PRIMARY KEY (topic, sender, partition);

ALTER TABLE ONLY public.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (asset_id, measure, day, source);

ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (refusal_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.senders_aside
    ADD CONSTRAINT senders_aside_pkey PRIMARY KEY (topic, sender);

ALTER TABLE ONLY public.source_changes
    ADD CONSTRAINT source_changes_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY public.source_days
    ADD CONSTRAINT source_days_pkey PRIMARY KEY (source, day);

ALTER TABLE ONLY public.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (source);

ALTER TABLE ONLY public.stops
    ADD CONSTRAINT stops_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT sweeps_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_pkey PRIMARY KEY (unit_id);

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (asset_id, measure, day);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (asset_id, from_day);

ALTER TABLE ONLY public.vouched
    ADD CONSTRAINT vouched_pkey PRIMARY KEY (asset_id, source);

CREATE INDEX assets_sponsor ON public.assets USING btree (sponsor_id);

CREATE INDEX dead_letters_parked ON public.dead_letters USING btree (topic, sender, partition, "offset") WHERE (state = 'parked'::text);

CREATE INDEX findings_newest ON public.findings USING btree (opened_at DESC, finding_id DESC);

CREATE INDEX findings_newest_of_both ON public.findings USING btree (rule, state, opened_at DESC, finding_id DESC);

CREATE INDEX findings_newest_of_rule ON public.findings USING btree (rule, opened_at DESC, finding_id DESC);

CREATE INDEX findings_newest_of_state ON public.findings USING btree (state, opened_at DESC, finding_id DESC);

CREATE UNIQUE INDEX findings_open ON public.findings USING btree (asset_id, rule) WHERE (state = 'open'::text);

CREATE INDEX findings_rule ON public.findings USING btree (rule, finding_id);

CREATE INDEX inbox_seen ON public.inbox USING btree (seen);

CREATE INDEX refusals_at ON public.refusals USING btree (at);

CREATE INDEX refusals_letter ON public.refusals USING btree (topic, partition, "offset") WHERE (topic IS NOT NULL);

CREATE INDEX refusals_scope ON public.refusals USING btree (scope, refusal_id DESC) WHERE (scope IS NOT NULL);

CREATE INDEX refusals_sender ON public.refusals USING btree (sender, refusal_id DESC);

CREATE INDEX source_changes_source ON public.source_changes USING btree (source, change_id);

CREATE INDEX source_days_day ON public.source_days USING btree (day);

CREATE INDEX units_code ON public.units USING btree (scheme, lower(value));

CREATE INDEX units_parent ON public.units USING btree (parent_id);

CREATE INDEX usage_days_posts ON public.usage_days USING btree (asset_id, day) WHERE ((measure = 'posts'::text) AND (total > 0));

CREATE UNIQUE INDEX verdicts_current ON public.verdicts USING btree (asset_id) WHERE (until_day IS NULL);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_topic_sender_fkey FOREIGN KEY (topic, sender) REFERENCES public.senders_aside(topic, sender) ON DELETE CASCADE;

ALTER TABLE ONLY public.source_days
    ADD CONSTRAINT source_days_counted_fkey FOREIGN KEY (counted) REFERENCES public.covers(cover);

ALTER TABLE ONLY public.source_days
    ADD CONSTRAINT source_days_cover_fkey FOREIGN KEY (cover) REFERENCES public.covers(cover);
