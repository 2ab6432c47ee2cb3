"""No number of a stranger costs more than its digits."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from davylamp.schema.kubernetes import amount_of, is_quantity

MOST_BITS = 64 * 4 + 99 * 4 + 60
"""64 digits, two of an exponent, and the largest suffix."""
ANY = (
    st.text("0123456789.eE+-KMGTPinumk", max_size=80)
    | st.from_regex(r"\A[+-]?[0-9]{1,40}[eE][+-]?[0-9]{1,9}\Z")
    | st.integers()
    | st.floats()
    | st.text()
)


@given(ANY)
@example("1e99")
@example("1e-99")
@example("1e999999999")
@example("9" * 64)
@example("9" * 65)
@example(10**5000)
@example(float("inf"))
def test_no_number_costs_more_than_its_digits(value):
    amount = amount_of(value)
    if amount is not None:
        assert isinstance(amount, Fraction)
        assert amount.numerator.bit_length() <= MOST_BITS
        assert amount.denominator.bit_length() <= MOST_BITS
    assert not is_quantity(value) or amount is not None


@given(st.fractions(min_value=0, max_value=2**60).map(lambda f: f.limit_denominator(1000)))
def test_a_quantity_in_milli_units_is_read_back(amount):
    milli = int(amount * 1000)
    assert amount_of(f"{milli}m") == Fraction(milli, 1000)
