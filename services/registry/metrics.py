"""The metrics of the registry, with the label of each."""

from libs.common.telemetry.instruments import counter

INTAKE = counter(
    "jianfu_registry_intake_total",
    "Declarations taken, by outcome.",
    of="declarations",
    labels={"outcome": "what a declaration can come to"},
)
VANISHED = counter(
    "jianfu_registry_disappearances_total",
    "Disappearances, by what became of them.",
    of="assets",
    labels={"state": "what can become of a disappearance"},
)
ROWS = counter(
    "jianfu_registry_import_rows_total", "Rows of applied imports.", of="rows", labels={"verdict": "a row's verdict"}
)
