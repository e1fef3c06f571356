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

CREATE TABLE public.alarm_steps (
    alarm_id uuid NOT NULL,
    step text NOT NULL,
    by text NOT NULL,
    role text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT alarm_steps_step_check CHECK ((step = ANY (ARRAY['acknowledged'::text, 'ended'::text])))
);

COMMENT ON TABLE public.alarm_steps IS 'append-only: who acknowledged an alarm, who or what ended it, and why';

CREATE TABLE public.alarms (
    alarm_id uuid NOT NULL,
    case_id uuid,
    kind text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    about uuid,
    CONSTRAINT alarms_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'ended'::text])))
);

COMMENT ON TABLE public.alarms IS 'what a person must look at; what became of each is in alarm_steps';

CREATE TABLE public.cases (
    case_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    ordinal integer NOT NULL,
    finding_id uuid NOT NULL,
    rule text NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    due_at timestamp with time zone,
    opened_at timestamp with time zone NOT NULL,
    windows jsonb NOT NULL,
    reopen_on date,
    checkpoint_entries integer DEFAULT 0 NOT NULL,
    plan_id uuid,
    CONSTRAINT cases_ordinal_check CHECK ((ordinal > 0))
);

COMMENT ON COLUMN public.cases.reopen_on IS 'the day from which findings that this ended case left behind are taken up again';

COMMENT ON COLUMN public.cases.checkpoint_entries IS 'how many entries the newest checkpoint that holds the case says it has';

CREATE TABLE public.subjects (
    asset_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    identity text NOT NULL,
    address text NOT NULL,
    name text NOT NULL,
    sponsor_id uuid NOT NULL,
    record text NOT NULL,
    running text NOT NULL
);

CREATE TABLE public.units (
    unit_id uuid NOT NULL,
    version integer NOT NULL,
    parent_id uuid,
    scheme text NOT NULL,
    value text NOT NULL,
    name text
);

CREATE VIEW public.alarms_shown AS
 SELECT a.alarm_id,
    a.case_id,
    a.about,
    a.kind,
    a.text_zh,
    a.text_en,
    a.at,
    a.state,
    s.asset_id,
    s.name,
    s.platform,
    s.address,
    s.sponsor_id AS unit_id,
    u.name AS unit_name,
    k.by AS acknowledged_by,
    k.role AS acknowledged_as,
    k.reason AS acknowledged_why,
    k.at AS acknowledged_at,
    e.by AS ended_by,
    e.role AS ended_as,
    e.reason AS ended_why,
    e.at AS ended_at
   FROM (((((public.alarms a
     LEFT JOIN public.cases c USING (case_id))
     LEFT JOIN public.subjects s USING (asset_id))
     LEFT JOIN public.units u ON ((u.unit_id = s.sponsor_id)))
     LEFT JOIN public.alarm_steps k ON (((k.alarm_id = a.alarm_id) AND (k.step = 'acknowledged'::text))))
     LEFT JOIN public.alarm_steps e ON (((e.alarm_id = a.alarm_id) AND (e.step = 'ended'::text))));

CREATE TABLE public.approvals (
    plan_id uuid NOT NULL,
    approver text NOT NULL,
    sha256 text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.approvals IS 'append-only: who signed which hash';

CREATE TABLE public.archives (
    case_id uuid NOT NULL,
    sha256 text NOT NULL,
    files integer NOT NULL,
    checks jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    seen_under integer
);

COMMENT ON COLUMN public.archives.seen_under IS 'the probe_revision under which the page was last seen alive, 0 for the address on record; null when it was not seen';

CREATE TABLE public.business_clock (
    only_row boolean DEFAULT true NOT NULL,
    instant timestamp with time zone NOT NULL,
    CONSTRAINT business_clock_only_row_check CHECK (only_row)
);

CREATE TABLE public.case_log (
    case_id uuid NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL,
    previous text NOT NULL,
    sha256 text NOT NULL,
    trace text,
    CONSTRAINT case_log_seq_check CHECK ((seq > 0))
);

COMMENT ON TABLE public.case_log IS 'append-only: what happened to a case, each entry covering the one before';

CREATE TABLE public.checkpoints (
    day date NOT NULL,
    content text NOT NULL,
    sha256 text NOT NULL,
    signature text NOT NULL,
    case_ids jsonb GENERATED ALWAYS AS (jsonb_path_query_array((content)::jsonb, '$."cases"[*]."case_id"'::jsonpath)) STORED NOT NULL
);

COMMENT ON TABLE public.checkpoints IS 'append-only: the heads of the logs that had changed by the end of a business day, signed';

CREATE TABLE public.connectors (
    platform text NOT NULL,
    stop_url text NOT NULL,
    restore_url text NOT NULL,
    probe_url text NOT NULL,
    honours_keys boolean NOT NULL,
    probe_revision integer DEFAULT 1 NOT NULL,
    type text DEFAULT 'webhook'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT connectors_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT connectors_type_check CHECK ((type ~ '^[a-z][a-z0-9_-]{0,39}$'::text))
);

COMMENT ON COLUMN public.connectors.probe_revision IS 'counts the changes of probe_url';

COMMENT ON COLUMN public.connectors.settings IS 'what a type of connector states beside the other columns';

CREATE TABLE public.consumer_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT consumer_offsets_next_offset_check CHECK ((next_offset >= 0))
);

CREATE TABLE public.controls (
    only_row boolean DEFAULT true NOT NULL,
    released_until timestamp with time zone,
    killed boolean DEFAULT false NOT NULL,
    round_wanted boolean DEFAULT false NOT NULL,
    round_working boolean DEFAULT false NOT NULL,
    CONSTRAINT controls_only_row_check CHECK (only_row)
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

CREATE TABLE public.effects (
    key uuid NOT NULL,
    case_id uuid NOT NULL,
    step text NOT NULL,
    ordinal integer NOT NULL,
    state text NOT NULL,
    result jsonb,
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['started'::text, 'done'::text, 'failed'::text, 'unknown'::text])))
);

CREATE TABLE public.endpoints (
    unit_id uuid NOT NULL,
    url text,
    public_key jsonb,
    contact text,
    honours_keys boolean DEFAULT true NOT NULL
);

CREATE TABLE public.findings (
    finding_id uuid NOT NULL,
    case_id uuid NOT NULL,
    evidence jsonb NOT NULL,
    evidence_sha256 text NOT NULL,
    cleared boolean DEFAULT false NOT NULL
);

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

CREATE TABLE public.mandate_approvals (
    mandate_id uuid NOT NULL,
    approver text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.mandate_approvals IS 'append-only: who signed a mandate';

CREATE TABLE public.mandate_revocations (
    mandate_id uuid NOT NULL,
    revoked_by text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.mandate_revocations IS 'append-only: who took a standing approval back';

CREATE TABLE public.mandates (
    mandate_id uuid NOT NULL,
    rule text NOT NULL,
    max_per_day integer NOT NULL,
    until date NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    CONSTRAINT mandates_max_per_day_check CHECK ((max_per_day >= 0))
);

COMMENT ON TABLE public.mandates IS 'append-only: standing approvals, each with a rule, a limit and an end';

CREATE TABLE public.notices (
    case_id uuid NOT NULL,
    body text NOT NULL,
    sha256 text NOT NULL,
    unit_id uuid,
    receipt text,
    public_key jsonb,
    ordinal integer DEFAULT 1 NOT NULL,
    key_unit uuid,
    key_ordinal integer,
    CONSTRAINT notices_ordinal_check CHECK ((ordinal > 0))
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

CREATE TABLE public.plan_members (
    plan_id uuid NOT NULL,
    case_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    unit_id uuid NOT NULL,
    kind text NOT NULL,
    name text,
    address text,
    unit_name text
);

COMMENT ON TABLE public.plan_members IS 'append-only: which cases a plan was sealed with';

CREATE TABLE public.plan_rejections (
    plan_id uuid NOT NULL,
    rejected_by text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.plan_rejections IS 'append-only: who said no to a plan, and why';

CREATE TABLE public.plans (
    plan_id uuid NOT NULL,
    sealed_on date NOT NULL,
    content text NOT NULL,
    sha256 text NOT NULL,
    state text NOT NULL,
    sealed_at timestamp with time zone NOT NULL
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

CREATE TABLE public.setup_changes (
    change_id bigint NOT NULL,
    what text NOT NULL,
    which text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT setup_changes_what_check CHECK ((what = ANY (ARRAY['endpoint'::text, 'connector'::text, 'kill-switch'::text, 'limits'::text, 'windows'::text])))
);

COMMENT ON TABLE public.setup_changes IS 'append-only: who changed what of the set-up, from what to what';

ALTER TABLE public.setup_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.setup_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.setup_test_results (
    test_id bigint NOT NULL,
    status integer,
    took_ms integer NOT NULL,
    why text,
    CONSTRAINT setup_test_results_check CHECK (((status IS NULL) <> (why IS NULL))),
    CONSTRAINT setup_test_results_status_check CHECK (((status >= 100) AND (status <= 999))),
    CONSTRAINT setup_test_results_took_ms_check CHECK ((took_ms >= 0))
);

COMMENT ON TABLE public.setup_test_results IS 'append-only: what was heard when an address was tried';

CREATE TABLE public.setup_tests (
    test_id bigint NOT NULL,
    what text NOT NULL,
    which text NOT NULL,
    part text NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    begun timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT setup_tests_part_check CHECK ((part = ANY (ARRAY['notice'::text, 'stop'::text, 'restore'::text, 'probe'::text]))),
    CONSTRAINT setup_tests_what_check CHECK ((what = ANY (ARRAY['endpoint'::text, 'connector'::text])))
);

COMMENT ON TABLE public.setup_tests IS 'append-only: who tried which address, and when';

ALTER TABLE public.setup_tests ALTER COLUMN test_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.setup_tests_test_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.slots (
    day date NOT NULL,
    case_id uuid NOT NULL,
    unit_id uuid NOT NULL,
    kind text NOT NULL
);

COMMENT ON TABLE public.slots IS 'append-only: who may be stopped on which day';

CREATE TABLE public.unit_key_confirmations (
    unit_id uuid NOT NULL,
    ordinal integer NOT NULL,
    confirmed_by text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.unit_key_confirmations IS 'append-only: the second person, who is not the one who set it';

CREATE TABLE public.unit_key_owed (
    unit_id uuid NOT NULL,
    ordinal integer NOT NULL,
    before_unit uuid NOT NULL,
    before_ordinal integer NOT NULL
);

COMMENT ON TABLE public.unit_key_owed IS 'append-only: who is to be told that a key has come into force, by the key held there';

CREATE TABLE public.unit_key_proofs (
    unit_id uuid NOT NULL,
    ordinal integer NOT NULL,
    proof text NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.unit_key_proofs IS 'append-only: the challenge that the system at the address signed with the key';

CREATE TABLE public.unit_keys (
    unit_id uuid NOT NULL,
    ordinal integer NOT NULL,
    url text NOT NULL,
    public_key jsonb NOT NULL,
    thumbprint text NOT NULL,
    set_by text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT unit_keys_ordinal_check CHECK ((ordinal > 0))
);

COMMENT ON TABLE public.unit_keys IS 'append-only: each address and key that was proposed for a unit, by whom and when';

CREATE VIEW public.unit_key_states AS
 SELECT unit_id,
    ordinal,
    url,
    public_key,
    thumbprint,
    set_by,
    set_at,
    proved_at,
    confirmed_by,
    confirmed_at,
    in_force_from,
    min(in_force_from) OVER (PARTITION BY unit_id ORDER BY ordinal ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS retired_at
   FROM ( SELECT k.unit_id,
            k.ordinal,
            k.url,
            k.public_key,
            k.thumbprint,
            k.set_by,
            k.set_at,
            p.at AS proved_at,
            c.confirmed_by,
            c.at AS confirmed_at,
                CASE
                    WHEN ((p.at IS NOT NULL) AND (c.at IS NOT NULL)) THEN GREATEST(p.at, c.at)
                    ELSE NULL::timestamp with time zone
                END AS in_force_from
           FROM ((public.unit_keys k
             LEFT JOIN public.unit_key_proofs p USING (unit_id, ordinal))
             LEFT JOIN public.unit_key_confirmations c USING (unit_id, ordinal))) s;

CREATE TABLE public.unit_key_tellings (
    unit_id uuid NOT NULL,
    ordinal integer NOT NULL,
    attempt integer NOT NULL,
    accepted boolean NOT NULL,
    why text,
    at timestamp with time zone NOT NULL,
    CONSTRAINT unit_key_tellings_attempt_check CHECK ((attempt > 0))
);

COMMENT ON TABLE public.unit_key_tellings IS 'append-only: how the address before was told that another key is in force';

ALTER TABLE ONLY public.alarm_steps
    ADD CONSTRAINT alarm_steps_pkey PRIMARY KEY (alarm_id, step);

ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT alarms_pkey PRIMARY KEY (alarm_id);

ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (plan_id, approver);

ALTER TABLE ONLY public.archives
    ADD CONSTRAINT archives_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY public.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.case_log
    ADD CONSTRAINT case_log_pkey PRIMARY KEY (case_id, seq);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_asset_id_ordinal_key UNIQUE (asset_id, ordinal);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.connectors
    ADD CONSTRAINT connectors_pkey PRIMARY KEY (platform);

ALTER TABLE ONLY public.consumer_offsets
    ADD CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer, topic, partition);

ALTER TABLE ONLY public.controls
    ADD CONSTRAINT controls_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_case_id_step_ordinal_key UNIQUE (case_id, step, ordinal);

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (unit_id);

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT findings_pkey PRIMARY KEY (finding_id);

ALTER TABLE ONLY public.http_idempotency
    ADD CONSTRAINT http_idempotency_pkey PRIMARY KEY (principal, key);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.mandate_approvals
    ADD CONSTRAINT mandate_approvals_pkey PRIMARY KEY (mandate_id, approver);

ALTER TABLE ONLY public.mandate_revocations
    ADD CONSTRAINT mandate_revocations_pkey PRIMARY KEY (mandate_id);

ALTER TABLE ONLY public.mandates
    ADD CONSTRAINT mandates_pkey PRIMARY KEY (mandate_id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (case_id, ordinal);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_pkey PRIMARY KEY (topic, sender, partition);

ALTER TABLE ONLY public.plan_members
    ADD CONSTRAINT plan_members_pkey PRIMARY KEY (plan_id, case_id);

ALTER TABLE ONLY public.plan_rejections
    ADD CONSTRAINT plan_rejections_pkey PRIMARY KEY (plan_id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (plan_id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_sealed_on_key UNIQUE (sealed_on);

ALTER TABLE public.plans
    ADD CONSTRAINT plans_state_check CHECK ((state = ANY (ARRAY['sealed'::text, 'approved'::text, 'altered'::text, 'rejected'::text, 'void'::text]))) NOT VALID;

ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (refusal_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.senders_aside
    ADD CONSTRAINT senders_aside_pkey PRIMARY KEY (topic, sender);

ALTER TABLE ONLY public.setup_changes
    ADD CONSTRAINT setup_changes_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY public.setup_test_results
    ADD CONSTRAINT setup_test_results_pkey PRIMARY KEY (test_id);

ALTER TABLE ONLY public.setup_tests
    ADD CONSTRAINT setup_tests_pkey PRIMARY KEY (test_id);

ALTER TABLE ONLY public.slots
    ADD CONSTRAINT slots_pkey PRIMARY KEY (day, case_id);

ALTER TABLE ONLY public.subjects
    ADD CONSTRAINT subjects_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY public.unit_key_confirmations
    ADD CONSTRAINT unit_key_confirmations_pkey PRIMARY KEY (unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_owed
    ADD CONSTRAINT unit_key_owed_pkey PRIMARY KEY (unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_proofs
    ADD CONSTRAINT unit_key_proofs_pkey PRIMARY KEY (unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_tellings
    ADD CONSTRAINT unit_key_tellings_pkey PRIMARY KEY (unit_id, ordinal, attempt);

ALTER TABLE ONLY public.unit_keys
    ADD CONSTRAINT unit_keys_pkey PRIMARY KEY (unit_id, ordinal);

ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_pkey PRIMARY KEY (unit_id);

CREATE INDEX alarms_lasting ON public.alarms USING btree (about) WHERE (state <> 'ended'::text);

CREATE INDEX alarms_newest ON public.alarms USING btree (at DESC, alarm_id DESC);

CREATE INDEX alarms_newest_of_both ON public.alarms USING btree (kind, state, at DESC, alarm_id DESC);

CREATE INDEX alarms_newest_of_kind ON public.alarms USING btree (kind, at DESC, alarm_id DESC);

CREATE INDEX alarms_newest_of_state ON public.alarms USING btree (state, at DESC, alarm_id DESC);

CREATE INDEX cases_due ON public.cases USING btree (due_at, asset_id) WHERE (due_at IS NOT NULL);

CREATE INDEX cases_moved ON public.cases USING btree (case_id) WHERE (version > checkpoint_entries);

CREATE INDEX cases_newest ON public.cases USING btree (opened_at DESC, case_id DESC);

CREATE INDEX cases_newest_of_state ON public.cases USING btree (state, opened_at DESC, case_id DESC);

CREATE UNIQUE INDEX cases_one_open ON public.cases USING btree (asset_id) WHERE (state <> ALL (ARRAY['closed'::text, 'ended'::text, 'restored'::text]));

CREATE INDEX cases_plan ON public.cases USING btree (plan_id) WHERE (plan_id IS NOT NULL);

CREATE INDEX cases_reopen ON public.cases USING btree (reopen_on) WHERE (reopen_on IS NOT NULL);

CREATE INDEX cases_state ON public.cases USING btree (state);

CREATE INDEX cases_waiting ON public.cases USING btree (case_id) WHERE ((due_at IS NULL) AND (state <> ALL (ARRAY['closed'::text, 'ended'::text, 'restored'::text])));

CREATE INDEX checkpoints_cases ON public.checkpoints USING gin (case_ids jsonb_path_ops);

CREATE INDEX dead_letters_parked ON public.dead_letters USING btree (topic, sender, partition, "offset") WHERE (state = 'parked'::text);

CREATE INDEX findings_case ON public.findings USING btree (case_id);

CREATE INDEX inbox_seen ON public.inbox USING btree (seen);

CREATE INDEX mandates_newest ON public.mandates USING btree (proposed_at DESC, mandate_id DESC);

CREATE INDEX plans_newest ON public.plans USING btree (sealed_at DESC, plan_id DESC);

CREATE INDEX plans_newest_of_state ON public.plans USING btree (state, sealed_at DESC, plan_id DESC);

CREATE INDEX refusals_at ON public.refusals USING btree (at);

CREATE INDEX refusals_letter ON public.refusals USING btree (topic, partition, "offset") WHERE (topic IS NOT NULL);

CREATE INDEX refusals_scope ON public.refusals USING btree (scope, refusal_id DESC) WHERE (scope IS NOT NULL);

CREATE INDEX refusals_sender ON public.refusals USING btree (sender, refusal_id DESC);

CREATE INDEX setup_changes_of ON public.setup_changes USING btree (what, which, change_id DESC);

CREATE INDEX setup_tests_of ON public.setup_tests USING btree (what, which, test_id DESC);

CREATE INDEX subjects_sponsor ON public.subjects USING btree (sponsor_id);

CREATE INDEX units_code ON public.units USING btree (scheme, lower(value));

CREATE INDEX units_parent ON public.units USING btree (parent_id);

ALTER TABLE ONLY public.alarm_steps
    ADD CONSTRAINT alarm_steps_alarm_id_fkey FOREIGN KEY (alarm_id) REFERENCES public.alarms(alarm_id);

ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES public.plans(plan_id);

ALTER TABLE ONLY public.archives
    ADD CONSTRAINT archives_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.case_log
    ADD CONSTRAINT case_log_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT findings_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.mandate_approvals
    ADD CONSTRAINT mandate_approvals_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES public.mandates(mandate_id);

ALTER TABLE ONLY public.mandate_revocations
    ADD CONSTRAINT mandate_revocations_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES public.mandates(mandate_id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.parked_ranges
    ADD CONSTRAINT parked_ranges_topic_sender_fkey FOREIGN KEY (topic, sender) REFERENCES public.senders_aside(topic, sender) ON DELETE CASCADE;

ALTER TABLE ONLY public.plan_members
    ADD CONSTRAINT plan_members_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.plan_members
    ADD CONSTRAINT plan_members_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES public.plans(plan_id);

ALTER TABLE ONLY public.plan_rejections
    ADD CONSTRAINT plan_rejections_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES public.plans(plan_id);

ALTER TABLE ONLY public.setup_test_results
    ADD CONSTRAINT setup_test_results_test_id_fkey FOREIGN KEY (test_id) REFERENCES public.setup_tests(test_id);

ALTER TABLE ONLY public.slots
    ADD CONSTRAINT slots_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(case_id);

ALTER TABLE ONLY public.unit_key_confirmations
    ADD CONSTRAINT unit_key_confirmations_unit_id_ordinal_fkey FOREIGN KEY (unit_id, ordinal) REFERENCES public.unit_keys(unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_owed
    ADD CONSTRAINT unit_key_owed_before_unit_before_ordinal_fkey FOREIGN KEY (before_unit, before_ordinal) REFERENCES public.unit_keys(unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_owed
    ADD CONSTRAINT unit_key_owed_unit_id_ordinal_fkey FOREIGN KEY (unit_id, ordinal) REFERENCES public.unit_keys(unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_proofs
    ADD CONSTRAINT unit_key_proofs_unit_id_ordinal_fkey FOREIGN KEY (unit_id, ordinal) REFERENCES public.unit_keys(unit_id, ordinal);

ALTER TABLE ONLY public.unit_key_tellings
    ADD CONSTRAINT unit_key_tellings_unit_id_ordinal_fkey FOREIGN KEY (unit_id, ordinal) REFERENCES public.unit_keys(unit_id, ordinal);
