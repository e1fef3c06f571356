-- Saying no: a plan that one approver rejected, and a standing approval that one has taken back.

-- It comes back in the next line, wider by one word.
-- squawk-ignore ban-drop-constraint
alter table plans drop constraint plans_state_check;
alter table plans add constraint plans_state_check check (state in ('sealed', 'approved', 'altered', 'rejected'))
not valid;

create table plan_rejections (
    plan_id uuid primary key references plans,
    rejected_by text not null,
    reason text not null,
    at timestamptz not null
);
comment on table plan_rejections is 'append-only: who said no to a plan, and why';

create table mandate_revocations (
    mandate_id uuid primary key references mandates,
    revoked_by text not null,
    reason text not null,
    at timestamptz not null
);
comment on table mandate_revocations is 'append-only: who took a standing approval back';
