"""What the registry counts, with the label of each."""

from prometheus_client import Counter

INTAKE = Counter("jianfu_registry_intake_total", "Declarations taken, by outcome.", ["outcome"])
VANISHED = Counter("jianfu_registry_disappearances_total", "Disappearances, by what became of them.", ["state"])
ROWS = Counter("jianfu_registry_import_rows_total", "Rows of applied imports.", ["verdict"])
