"""Resource quantities as Kubernetes reads them: `500m`, `1.5Gi`, `2`, `1e3`.

They are kept as mantissa and exponent, never written out: no text of a stranger costs more than its
digits. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from typing import Final, NamedTuple

from davylamp.schema.json import Json

QUANTITY_SENTENCE: Final = "must be a quantity such as 500m, 2 or 512Mi"
QUANTITY_PATTERN: Final = (
    r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
)
"""As RE2 and Python read it. Two digits of an exponent are more than any amount needs."""
_GRAMMAR: Final = re.compile(
    r"(?P<sign>[+-]?)(?=[0-9]|[.][0-9])(?P<whole>[0-9]*)(?:[.](?P<rest>[0-9]*))?"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,2}))?",
    re.ASCII,
)
_EXPONENTS: Final = {s: 3 * power for power, s in enumerate("num kMGTPE", start=-3)}
_FACTORS: Final = {f"{s}i": 1024**power for power, s in enumerate("KMGTPE", start=1)}
_LONGEST: Final = 64
_LARGEST: Final = 2**63 - 1
_MOST_DIGITS: Final = len(str(_LARGEST))


class Amount(NamedTuple):
    """An exact number: `mantissa` times ten to the power of `exponent`, in lowest terms."""

    mantissa: int
    exponent: int


def is_quantity(value: Json) -> bool:
    """Whether Kubernetes would read it, and as no more than it can count."""
    amount = amount_of(value)
    if amount is None or amount.mantissa < 0:
        return False
    if amount.exponent > _MOST_DIGITS:
        return False
    # at most as many zeros as were written, and as two digits of an exponent say
    power: int = 10 ** abs(amount.exponent)
    if amount.exponent >= 0:
        return amount.mantissa * power <= _LARGEST
    return amount.mantissa <= _LARGEST * power


def amount_of(value: Json) -> Amount | None:
    """The exact amount of a quantity; None for anything else, and for one out of all bounds."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    written = str(value)
    parts = _GRAMMAR.fullmatch(written) if len(written) <= _LONGEST else None
    if parts is None:
        return None
    sign, whole, rest, suffix, exponent = parts.groups(default="")
    digits = int(f"{sign}{whole}{rest}") * _FACTORS.get(suffix, 1)
    return _lowest(digits, int(exponent or 0) + _EXPONENTS.get(suffix, 0) - len(rest))


def _lowest(mantissa: int, exponent: int) -> Amount:
    """Without zeros at the end of the mantissa, so that equal amounts are equal."""
    if mantissa == 0:
        return Amount(0, 0)
    text = str(mantissa)
    significant = text.rstrip("0")
    return Amount(int(significant), exponent + len(text) - len(significant))
