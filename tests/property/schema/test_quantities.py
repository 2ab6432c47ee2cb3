"""No number of a stranger costs more than its digits."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from davylamp.schema.kubernetes import amount_of, is_quantity

MOST_BITS = 64 * 4 + 60
"""64 digits, and the largest suffix."""
MOST_EXPONENT = 99 + 64 + 18
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
        assert amount.mantissa.bit_length() <= MOST_BITS
        assert abs(amount.exponent) <= MOST_EXPONENT
    assert not is_quantity(value) or amount is not None


@given(st.fractions(min_value=0, max_value=2**60).map(lambda f: f.limit_denominator(1000)))
def test_a_quantity_in_milli_units_is_read_back(amount):
    milli = int(amount * 1000)
    read = amount_of(f"{milli}m")
    assert read is not None
    assert Fraction(read.mantissa) * Fraction(10) ** read.exponent == Fraction(milli, 1000)
    assert read == amount_of(str(Decimal(milli) / 1000))
