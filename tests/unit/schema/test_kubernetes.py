"""Resource quantities are read as Kubernetes reads them."""

from fractions import Fraction

import pytest

from davylamp.schema.kubernetes import amount_of, is_quantity


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("1", 1),
        (2, 2),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("1.5Gi", 1610612736),
        ("1k", 1000),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("5.", 5),
        (".5", Fraction(1, 2)),
        ("+1", 1),
        ("0", 0),
    ],
)
def test_an_amount_is_exact(quantity, amount):
    exact = amount_of(quantity)
    assert exact is not None
    assert Fraction(exact.mantissa) * Fraction(10) ** exact.exponent == amount
    assert is_quantity(quantity)


@pytest.mark.parametrize(
    "same",
    [("1", "1000m", "1e0", 1, "1.0", "0.001k"), ("0", "0Gi", "0e9"), ("1Ki", 1024, "1.024k")],
)
def test_equal_amounts_are_equal_however_they_are_spelled(same):
    assert len({amount_of(quantity) for quantity in same}) == 1


@pytest.mark.parametrize(
    "value",
    [
        "",
        "512mb",
        "1 Gi",
        "1GB",
        "Gi",
        "1e",
        "1e1.5",
        "one",
        "\u0661",
        "1\n",
        True,
        None,
        [],
        {},
        "0x1",
    ],
)
def test_anything_else_is_no_quantity(value):
    assert amount_of(value) is None
    assert not is_quantity(value)


@pytest.mark.parametrize(
    "bomb", ["1e999999", "1e-999999", "9" * 5000, 10**4000, float("inf"), float("nan"), "9e99E"]
)
def test_what_would_explode_is_none(bomb):
    assert amount_of(bomb) is None


@pytest.mark.parametrize("quantity", ["-1", "9223372036854775808", "8Ei", "1e30"])
def test_no_pod_can_ask_for_it(quantity):
    assert amount_of(quantity) is not None
    assert not is_quantity(quantity)
