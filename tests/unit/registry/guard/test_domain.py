"""How many assets of a source may vanish in a day."""

from hypothesis import given
from hypothesis import strategies as st

from services.registry.assets.domain import Policy
from services.registry.guard import domain


@given(listed=st.integers(0, 100_000), share=st.floats(0, 0.5), floor=st.integers(0, 1000), own=st.integers(0, 50))
def test_the_guard_is_a_share_with_a_floor_and_nothing_holds_everything(
    listed: int, share: float, floor: int, own: int
) -> None:
    policy = Policy(guard_share=share, guard_floor=floor, guard_limits={"mine": own})
    limit = domain.guard_limit(listed, "list", policy)
    assert limit >= floor
    assert limit <= max(floor, listed * share)
    assert domain.guard_limit(listed, "list", Policy(guard_share=0, guard_floor=0)) == 0
    assert domain.guard_limit(listed, "mine", policy) == own
