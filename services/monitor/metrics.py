"""The metrics of the monitor. No label names an asset, a unit or a person."""

from libs.common.telemetry.instruments import counter, histogram

USAGE_RECORDS = counter(
    "jianfu_usage_records_total",
    "Records of usage, by what became of them.",
    of="records",
    labels={"outcome": "what can become of a record of usage"},
)
USAGE_FLUSH = histogram("jianfu_usage_flush_seconds", "Writing one fold with its offsets.", of="seconds")
USAGE_CONFLICTS = counter(
    "jianfu_usage_conflicts_total", "Folds dropped since another consumer had moved the offsets.", of="folds"
)
SWEEP = histogram("jianfu_sweep_seconds", "One sweep, from its beginning to its last commit.", of="seconds")
FINDINGS = counter(
    "jianfu_findings_total",
    "Findings opened and cleared by sweeps.",
    of="findings",
    labels={"rule": "a rule of the policy packs", "what": "opened, cleared"},
)
