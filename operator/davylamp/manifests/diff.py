"""Whether a stored object still says what we applied.

Only fields we name are looked at: what others add is theirs. Resource quantities are compared by
value, as the API server stores them in its own spelling (`1000m` as `1`). What else it may respell
is remembered by the caller, from its answer to our write.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from davylamp.schema.json import Json

ATOMIC: Final = frozenset({"selector"})
"""Fields that are one value to the API server: a key more in a selector is another selector."""
QUANTITIES: Final = frozenset({"requests", "limits"})
"""Fields whose values are resource quantities."""
_POWERS: Final = {
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("num kMGTPE", start=-3)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def projected(stored: Json, ours: Json) -> Json:
    """The part of a stored value that our manifest names."""
    if isinstance(ours, dict):
        if not isinstance(stored, dict):
            return stored
        return {
            key: stored.get(key) if key in ATOMIC else projected(stored.get(key), value)
            for key, value in ours.items()
        }
    if isinstance(ours, list) and isinstance(stored, list):
        return [
            projected(_counterpart(stored, item, position), item)
            for position, item in enumerate(ours)
        ]
    return stored


def says_the_same(stored: Json, ours: Json) -> bool:
    """Whether the stored value has everything our manifest names; empty and absent are one."""
    return _lean(projected(stored, ours)) == _lean(ours)


def _counterpart(stored: list[Json], item: Json, position: int) -> Json:
    """The stored list element that one of ours means: by name or uid, else by position."""
    if isinstance(item, dict):
        for key in ("name", "uid"):
            if key in item:
                same = (s for s in stored if isinstance(s, dict) and s.get(key) == item[key])
                return next(same, None)
    return stored[position] if position < len(stored) else None


def _lean(value: Json) -> Json:
    """A value without empty parts, which the API server drops or fills in at will."""
    if isinstance(value, dict):
        kept = {key: _lean(_spelled(key, item)) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_lean(item) for item in value]
    return value


def _spelled(key: str, value: Json) -> Json:
    """Quantities in one spelling, anything else as it is."""
    if key not in QUANTITIES or not isinstance(value, dict):
        return value
    return {name: _quantity(item) for name, item in value.items()}


def _quantity(value: Json) -> Json:
    """A quantity in plain digits: `1.5Gi` is `1610612736`; what is none stays as it is.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    text = str(value)
    suffix = next((text[-n:] for n in (2, 1) if text[-n:] in _POWERS), "")
    try:
        number = Decimal(text.removesuffix(suffix)) * _POWERS.get(suffix, Decimal(1))
    except InvalidOperation:
        return value
    return f"{number.normalize():f}"
