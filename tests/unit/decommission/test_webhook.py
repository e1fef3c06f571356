"""What an answer of a target amounts to: a yes, a certain no, or nothing that could be known."""

import pytest

from services.decommission.calls.client import Sent


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "accepted"), (204, "accepted")]
    + [(status, "unknown") for status in (301, 302, 304, 307, 308, 408, 409, 425, 500, 502, 503, 504)]
    + [(status, "refused") for status in (400, 401, 403, 404, 410, 422, 429)],
)
def test_only_a_clear_no_is_a_refusal(status: int, outcome: str) -> None:
    assert Sent(status, b"").outcome == outcome


def test_what_never_arrived_is_refused_and_a_lost_answer_is_unknown() -> None:
    assert Sent(None, b"", "ConnectError", arrived=False).outcome == "refused"
    assert Sent(None, b"", "ReadTimeout").outcome == "unknown"
