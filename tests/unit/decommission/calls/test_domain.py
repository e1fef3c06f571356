"""What an answer of a target amounts to: a yes, a certain no, or nothing that could be known."""

import pytest

from services.decommission.calls.domain import Accepted, Outcome, Refused, Unanswered, of_failure, of_status


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Accepted), (204, Accepted)]
    + [(status, Unanswered) for status in (301, 302, 304, 307, 308, 408, 409, 425, 500, 502, 503, 504)]
    + [(status, Refused) for status in (400, 401, 403, 404, 410, 422, 429)],
)
def test_only_a_clear_no_is_a_refusal(status: int, outcome: type[Outcome]) -> None:
    found = of_status(status, b"")
    assert type(found) is outcome
    assert found.status == status


def test_what_never_arrived_is_refused_and_a_lost_answer_is_unknown() -> None:
    assert of_failure("ConnectError", arrived=False) == Refused(why="ConnectError")
    assert of_failure("ReadTimeout", arrived=True) == Unanswered(why="ReadTimeout")
