"""Resource quantities as Kubernetes reads them: `500m`, `1.5Gi`, `2`, `1e3`.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from fractions import Fraction
from typing import Final

from davylamp.schema.json import Json

QUANTITY_SENTENCE: Final = "must be a quantity such as 500m, 2 or 512Mi"
QUANTITY_PATTERN: Final = (
    r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
)
"""As RE2 and Python read it. Two digits of an exponent are more than any amount needs: a third would
let six characters stand for a thousand digits."""
_GRAMMAR: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,2}))?",
    re.ASCII,
)
_FACTORS: Final = {
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("num kMGTPE", start=-3)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}
_LONGEST: Final = 64
_HIGHEST_EXPONENT: Final = 40
_LARGEST: Final = 2**63 - 1


def is_quantity(value: Json) -> bool:
    """Whether Kubernetes would read it, and as no more than it can count."""
    amount = amount_of(value)
    return amount is not None and 0 <= amount <= _LARGEST


def amount_of(value: Json) -> Fraction | None:
    """The exact amount of a quantity; None for anything else, and for one out of all bounds."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    written = str(value)
    parts = _GRAMMAR.fullmatch(written) if len(written) <= _LONGEST else None
    if parts is None:
        return None
    exponent = int(parts["exponent"] or 0)
    if abs(exponent) > _HIGHEST_EXPONENT:
        return None
    return (
        Fraction(parts["number"])
        * _FACTORS.get(parts["suffix"], Fraction(1))
        * Fraction(10) ** exponent
    )
