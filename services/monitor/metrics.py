"""What the monitor measures of itself. No label names an asset, a unit or a person."""

from prometheus_client import Counter, Histogram

USAGE_RECORDS = Counter("jianfu_usage_records_total", "Records of usage, by what became of them.", ["outcome"])
USAGE_FLUSH = Histogram("jianfu_usage_flush_seconds", "Writing one fold with its offsets.")
USAGE_CONFLICTS = Counter("jianfu_usage_conflicts_total", "Folds dropped since another consumer had moved the offsets.")
SWEEP = Histogram("jianfu_sweep_seconds", "One sweep, from its beginning to its last commit.")
FINDINGS = Counter("jianfu_findings_total", "Findings opened and cleared by sweeps.", ["rule", "what"])
