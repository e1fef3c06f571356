"""What names a unit."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import DomainError
from services.registry.units import domain


@given(st.text(max_size=40))
def test_a_units_key_is_the_same_for_every_spelling_of_its_code(code: str) -> None:
    try:
        key = domain.unit_key(code)
    except DomainError:
        return
    assert domain.unit_key(key) == key
    assert domain.unit_key(f"  {code}\n") == key
    assert domain.unit_key(unicodedata.normalize("NFD", code)) == key
