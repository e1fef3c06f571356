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

CREATE TABLE public.asset_versions (
    asset_id uuid NOT NULL,
    version integer NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    cause text NOT NULL,
    outcome text NOT NULL,
    record jsonb NOT NULL,
    note text
);

COMMENT ON TABLE public.asset_versions IS 'append-only: what each version said, who changed it and why';

CREATE TABLE public.assets (
    asset_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    identity text NOT NULL,
    incarnation integer NOT NULL,
    address text NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    sponsor_id uuid NOT NULL,
    record text NOT NULL,
    running text NOT NULL,
    source text NOT NULL,
    listed_on date NOT NULL,
    opened_on date,
    changed_at timestamp with time zone NOT NULL,
    stated_on date DEFAULT '0001-01-01'::date NOT NULL,
    looks text[] DEFAULT '{}'::text[] NOT NULL,
    looks_by text,
    CONSTRAINT assets_check CHECK (((record <> 'closed'::text) OR (running = 'offline'::text))),
    CONSTRAINT assets_incarnation_check CHECK ((incarnation > 0)),
    CONSTRAINT assets_kind_check CHECK ((kind = ANY (ARRAY['app'::text, 'account'::text, 'group'::text]))),
    CONSTRAINT assets_record_check CHECK ((record = ANY (ARRAY['draft'::text, 'in_review'::text, 'filed'::text, 'withdrawn'::text, 'closed'::text]))),
    CONSTRAINT assets_running_check CHECK ((running = ANY (ARRAY['building'::text, 'online'::text, 'suspended'::text, 'offline'::text, 'gone'::text]))),
    CONSTRAINT assets_version_check CHECK ((version > 0))
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

CREATE TABLE public.disappearances (
    disappearance_id uuid NOT NULL,
    source text NOT NULL,
    asset_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    cause text NOT NULL,
    state text NOT NULL,
    decided_by text,
    reason text,
    CONSTRAINT disappearances_state_check CHECK ((state = ANY (ARRAY['applied'::text, 'held'::text, 'dropped'::text])))
);

CREATE TABLE public.http_idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL,
    given timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.import_changes (
    import_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    outcome text NOT NULL
);

COMMENT ON TABLE public.import_changes IS 'append-only: what each import did to which asset';

CREATE TABLE public.imports (
    import_id uuid NOT NULL,
    source text NOT NULL,
    stated_on date NOT NULL,
    sha256 text NOT NULL,
    row_count integer NOT NULL,
    complete boolean NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    summary jsonb NOT NULL
);

COMMENT ON TABLE public.imports IS 'append-only: files that were applied, and what came of them';

CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id text NOT NULL,
    seen timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.intake_outcomes (
    event_source text NOT NULL,
    event_id text NOT NULL,
    outcome text NOT NULL,
    asset_id uuid NOT NULL,
    told text,
    subject text DEFAULT ''::text NOT NULL
);

COMMENT ON TABLE public.intake_outcomes IS 'append-only: what each event did';

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

CREATE TABLE public.reopen_permits (
    asset_id uuid NOT NULL,
    permitted_by text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT reopen_permits_reason_check CHECK ((reason <> ''::text))
);

COMMENT ON TABLE public.reopen_permits IS 'append-only: exceptions from the cooldown, who granted them and why';

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

CREATE TABLE public.tombstones (
    asset_id uuid NOT NULL,
    case_id uuid NOT NULL,
    closed_on date NOT NULL,
    stopped_on date NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    successor text,
    plan_sha256 text NOT NULL,
    archive_sha256 text NOT NULL,
    title text,
    basis text,
    label text,
    pack text,
    pack_version text
);

COMMENT ON TABLE public.tombstones IS 'append-only: closed assets, for ever';

CREATE TABLE public.unit_aliases (
    scheme text NOT NULL,
    key text NOT NULL,
    unit_id uuid NOT NULL
);

CREATE TABLE public.unit_names (
    unit_id uuid NOT NULL,
    language text NOT NULL,
    name text NOT NULL
);

CREATE TABLE public.units (
    unit_id uuid NOT NULL,
    version integer NOT NULL,
    scheme text NOT NULL,
    value text NOT NULL,
    parent_id uuid,
    level text,
    region text,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT units_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.asset_versions
    ADD CONSTRAINT asset_versions_pkey PRIMARY KEY (asset_id, version);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_kind_platform_identity_incarnation_key UNIQUE (kind, platform, identity, incarnation);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.consumer_offsets
    ADD CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer, topic, partition);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY public.disappearances
    ADD CONSTRAINT disappearances_pkey PRIMARY KEY (disappearance_id);

ALTER TABLE ONLY public.http_idempotency
    ADD CONSTRAINT http_idempotency_pkey PRIMARY KEY (principal, key);

ALTER TABLE ONLY public.import_changes
    ADD CONSTRAINT import_changes_pkey PRIMARY KEY (import_id, asset_id);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (import_id);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.intake_outcomes
    ADD CONSTRAINT intake_outcomes_pkey PRIMARY KEY (event_source, event_id, subject);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_pkey PRIMARY KEY (topic, sender, partition);

ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (refusal_id);

ALTER TABLE ONLY public.reopen_permits
    ADD CONSTRAINT reopen_permits_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.senders_aside
    ADD CONSTRAINT senders_aside_pkey PRIMARY KEY (topic, sender);

ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.unit_aliases
    ADD CONSTRAINT unit_aliases_pkey PRIMARY KEY (scheme, key);

ALTER TABLE ONLY public.unit_names
    ADD CONSTRAINT unit_names_pkey PRIMARY KEY (unit_id, language, name);

ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_pkey PRIMARY KEY (unit_id);

ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_scheme_value_key UNIQUE (scheme, value);

CREATE INDEX assets_identity ON public.assets USING btree (identity);

CREATE INDEX assets_looks ON public.assets USING gin (looks);

CREATE INDEX assets_source ON public.assets USING btree (source) WHERE (running <> 'gone'::text);

CREATE INDEX assets_sponsor ON public.assets USING btree (sponsor_id);

CREATE INDEX dead_letters_parked ON public.dead_letters USING btree (topic, sender, partition, "offset") WHERE (state = 'parked'::text);

CREATE INDEX disappearances_held ON public.disappearances USING btree (at) WHERE (state = 'held'::text);

CREATE UNIQUE INDEX disappearances_one_held ON public.disappearances USING btree (asset_id) WHERE (state = 'held'::text);

CREATE INDEX disappearances_rate ON public.disappearances USING btree (source, at) WHERE (state = 'applied'::text);

CREATE INDEX inbox_seen ON public.inbox USING btree (seen);

CREATE INDEX refusals_at ON public.refusals USING btree (at);

CREATE INDEX refusals_letter ON public.refusals USING btree (topic, partition, "offset") WHERE (topic IS NOT NULL);

CREATE INDEX refusals_scope ON public.refusals USING btree (scope, refusal_id DESC) WHERE (scope IS NOT NULL);

CREATE INDEX refusals_sender ON public.refusals USING btree (sender, refusal_id DESC);

CREATE INDEX unit_aliases_unit ON public.unit_aliases USING btree (unit_id);

CREATE INDEX unit_names_lower ON public.unit_names USING btree (lower(name) text_pattern_ops);

CREATE INDEX units_parent ON public.units USING btree (parent_id);

ALTER TABLE ONLY public.asset_versions
    ADD CONSTRAINT asset_versions_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.assets(asset_id);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_sponsor_id_fkey FOREIGN KEY (sponsor_id) REFERENCES public.units(unit_id);

ALTER TABLE ONLY public.disappearances
    ADD CONSTRAINT disappearances_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.assets(asset_id);

ALTER TABLE ONLY public.import_changes
    ADD CONSTRAINT import_changes_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.assets(asset_id);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_topic_sender_fkey FOREIGN KEY (topic, sender) REFERENCES public.senders_aside(topic, sender) ON DELETE CASCADE;

ALTER TABLE ONLY public.reopen_permits
    ADD CONSTRAINT reopen_permits_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.assets(asset_id);

ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.assets(asset_id);

ALTER TABLE ONLY public.unit_aliases
    ADD CONSTRAINT unit_aliases_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES public.units(unit_id);

ALTER TABLE ONLY public.unit_names
    ADD CONSTRAINT unit_names_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES public.units(unit_id);

ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.units(unit_id);
