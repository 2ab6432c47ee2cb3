"""Durations, percentages and ratios as people write them in YAML: strings, never floats.

Kubernetes API conventions forbid floats in a spec. Every type here carries its pattern and a sentence
with an example, so that the API server and pydantic refuse the same values with the same words.
"""

import re
from typing import Annotated, Final

from pydantic import Field

from davylamp.schema.kubernetes import QUANTITY_SENTENCE, is_quantity
from davylamp.schema.written import Checked, written

DURATION_PATTERN: Final = r"^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$"
PERCENT_PATTERN: Final = r"^(100|[0-9]{1,2}(\.[0-9]{1,4})?)%$"
RATIO_PATTERN: Final = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"
SHARE_PATTERN: Final = r"^0(\.[0-9]{1,4})?$"
DECIMAL_PATTERN: Final = r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"
SHORT_DURATION_PATTERN: Final = r"^([0-9]{1,6}ms|[0-9]{1,4}(\.[0-9]{1,4})?s)$"
_QUANTITY: Final = (
    "type(self) == int ? self >= 0 : "
    "isQuantity(self) && quantity(self).compareTo(quantity('0')) >= 0"
)

Duration = Annotated[
    str,
    Field(max_length=16),
    written(DURATION_PATTERN, "must be a duration such as 90s, 5m or 1h30m"),
]
Percent = Annotated[
    str, Field(max_length=8), written(PERCENT_PATTERN, "must be a percentage such as 1% or 0.5%")
]
Ratio = Annotated[
    str,
    Field(max_length=8),
    written(RATIO_PATTERN, 'must be a number in quotes such as "1.5" or "2"'),
]
Share = Annotated[
    str,
    Field(max_length=6),
    written(SHARE_PATTERN, 'must be a number below 1 in quotes such as "0.1" or "0.05"'),
]
Decimal = Annotated[
    str,
    Field(max_length=27),
    written(DECIMAL_PATTERN, 'must be a number in quotes such as "0.2" or "-1"'),
]
ShortDuration = Annotated[
    str,
    Field(max_length=10),
    written(SHORT_DURATION_PATTERN, "must be a short duration such as 250ms or 0.5s"),
]
Quantity = Annotated[
    str | int,
    Field(json_schema_extra={"maxLength": 64}),
    Checked(_QUANTITY, QUANTITY_SENTENCE, is_quantity),
]
"""A resource quantity as in a pod."""

_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def seconds(duration: str) -> int:
    """Seconds in a duration such as `1h30m`; raises `ValueError` for anything else."""
    if not duration or not re.match(DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is not a duration; write for example 90s, 5m or 1h30m")
    return sum(int(n) * _SECONDS[unit] for n, unit in re.findall(r"([0-9]+)([hms])", duration))


def short_seconds(duration: str) -> float:
    """Seconds in a short duration such as `250ms` or `0.5s`; raises `ValueError` otherwise."""
    if not re.match(SHORT_DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is not a short duration; write for example 250ms or 0.5s")
    if duration.endswith("ms"):
        return int(duration[:-2]) / 1000
    return float(duration[:-1])


def fraction(percent: str) -> float:
    """The share in [0, 1] of a percentage such as `0.5%`; raises `ValueError` for anything else."""
    if not re.match(PERCENT_PATTERN, percent):
        raise ValueError(f"{percent!r} is not a percentage; write for example 1% or 0.5%")
    return float(percent[:-1]) / 100


def spoken(total_seconds: float) -> str:
    """A duration as people write it: `45s`, `3m20s`, `1h05m`."""
    whole = max(0, round(total_seconds))
    hours, minutes, secs = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{secs:02d}s" if minutes else f"{secs}s"
