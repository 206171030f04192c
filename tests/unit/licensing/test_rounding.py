"""Which way does half a cent go?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.domain.rounding import to_minor_units


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        (Fraction(0), 0),
        (Fraction(1, 2), 1),
        (Fraction(49, 100), 0),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),  # to even it would be 2
        (Fraction(10**30) + Fraction(1, 2), 10**30 + 1),  # a float would have lost the half
        (Fraction(10**30) + Fraction(1, 2) - Fraction(1, 10**9), 10**30),
        (Fraction(-1, 2), -1),  # a credit is rounded like the charge it mirrors
        (Fraction(-3, 2), -2),
        (Fraction(-5, 4), -1),
    ],
)
def test_half_goes_up(amount: Fraction, rounded: int) -> None:
    assert to_minor_units(amount) == rounded


@given(st.fractions())
def test_rounding_moves_an_amount_by_half_a_unit_at_the_most(amount: Fraction) -> None:
    assert abs(to_minor_units(amount) - amount) <= Fraction(1, 2)


@given(st.fractions())
def test_a_credit_is_the_charge_with_its_sign_turned(amount: Fraction) -> None:
    assert to_minor_units(-amount) == -to_minor_units(amount)


@given(st.integers())
def test_whole_units_pass_through(whole: int) -> None:
    assert to_minor_units(Fraction(whole)) == whole
