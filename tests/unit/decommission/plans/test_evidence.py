"""Evidence beside a log is what the log recorded when it came."""

from datetime import UTC, datetime
from typing import Any

import pytest

from libs.common.security.signing import canonical, sha256
from services.decommission.cases import chain

EVIDENCE: dict[str, Any] = {"finding_id": "f", "rule": "C15", "basis": "a circular"}
HASH = sha256(canonical(EVIDENCE))
AT = datetime(2025, 6, 2, tzinfo=UTC)
DATA = {"finding_id": "f", "evidence_sha256": HASH}
LOG = [chain.link([], at=AT, actor="jianfu", kind="opened", data=DATA)]


def test_evidence_as_it_came_is_no_fault() -> None:
    assert chain.evidence_problem(LOG, {"f": EVIDENCE, "of another case": {}}, {"f": HASH}) is None
    assert chain.evidence_problem([], {}, {}) is None


@pytest.mark.parametrize("kind", ["opened", "finding_attached"])
@pytest.mark.parametrize(
    ("evidence", "hashes"),
    [
        ({"f": EVIDENCE | {"basis": "another"}}, {"f": HASH}),
        ({"f": EVIDENCE | {"basis": "another"}}, {"f": sha256(canonical(EVIDENCE | {"basis": "another"}))}),
        ({"f": EVIDENCE}, {"f": "x"}),
        ({"f": EVIDENCE}, {}),
        ({"f": {}}, {"f": HASH}),
        ({"f": [1]}, {"f": HASH}),
        ({}, {"f": HASH}),
    ],
)
def test_altered_lost_or_hashed_anew_it_is(kind: str, evidence: dict[str, Any], hashes: dict[str, str]) -> None:
    log = [chain.link([], at=AT, actor="jianfu", kind=kind, data=DATA)]
    assert chain.evidence_problem(log, evidence, hashes) == f"{chain.EVIDENCE}: f"
