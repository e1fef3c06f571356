"""统一社会信用代码: codes that GB 32100 allows and no others, under any spelling of the scheme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Invalid
from libs.common.events.intake import UnitRef
from services.registry.units import codes, domain

REAL = ("11100000000013338W", "91110000600037341L")  # of a ministry and of a company, as they are published


@pytest.mark.parametrize("code", REAL)
def test_codes_that_are_in_use_are_taken_in_their_one_form(code: str) -> None:
    spelt = f" {code[:2].lower()} {code[2:8]}-{code[8:].lower()} "
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    assert codes.uscc(code) == codes.uscc(spelt) == codes.uscc(wide) == code


def test_a_code_of_a_villages_collective_begins_with_a_letter() -> None:
    first = "N2370102MF1234567"
    assert codes.uscc(first + codes.check_digit(first)) == "N2370102MF1234567B"


@pytest.mark.parametrize(
    "value",
    [
        "毕节市公安局",
        "",
        "11100000000013338",
        "11100000000013338X",
        "11100000000013338WW",
        "1110000000O013338W",
        "11A00000000013338W",
        "1.11E+17",
        "0",
        "无",
    ],
)
@pytest.mark.parametrize("scheme", ["cn-uscc", "CN-USCC", "cn_uscc", " cn uscc ", "ｃｎ－ｕｓｃｃ", "cnuscc"])
def test_what_is_no_code_names_no_unit_however_its_scheme_is_spelt(scheme: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        domain.unit_code(scheme, value)
    assert refused.value.field


@given(st.sampled_from(REAL), st.integers(0, 17), st.sampled_from(codes.ALPHABET))
def test_one_sign_that_is_wrong_is_always_seen(code: str, index: int, sign: str) -> None:
    slip = code[:index] + sign + code[index + 1 :]
    if slip == code:
        assert codes.uscc(slip) == code
    else:
        with pytest.raises(Invalid):
            codes.uscc(slip)


def test_other_schemes_say_themselves_what_a_code_is() -> None:
    assert codes.valid("ca-name", "Health Canada") == ("ca-name", "Health Canada")
    spelt = UnitRef(scheme="CN-USCC", value=REAL[0].lower(), name="部")
    assert domain.unit_id(spelt) == domain.unit_id(UnitRef(scheme="cn-uscc", value=REAL[0], name="部"))
    assert codes.sought("CN-USCC", REAL[0].lower()) == ("cn-uscc", REAL[0])
    assert codes.sought("cn-uscc", "kept before") == ("cn-uscc", "kept before")
