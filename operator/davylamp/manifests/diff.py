"""Whether a stored object still has the fields that we applied.

Only fields of our manifest are compared: what others add is theirs. Resource quantities are
compared by value, as the API server stores its own spelling (`1000m` as `1`). Whatever else it
respells, the caller remembers from its answer to our write.
"""

from typing import Final

from davylamp.schema.json import Json, JsonObject, entries
from davylamp.schema.kubernetes import amount_of

ATOMIC: Final = frozenset({"selector"})
"""Fields that are compared as a whole: with one more key, a selector selects other pods."""
QUANTITIES: Final = frozenset({"requests", "limits"})
"""Fields whose values are resource quantities."""
_DEFAULTS: Final = {"protocol": "TCP"}
_TOLD_APART_BY: Final = (
    ("mountPath",),
    ("devicePath",),
    ("containerPort", "protocol"),
    ("name",),
    ("uid",),
)
"""What tells the elements of a list apart, first what is narrower: a volume is mounted more than once."""


def projected(stored: Json, ours: Json) -> Json:
    """The part of a stored value that our manifest has."""
    if isinstance(ours, dict):
        if not isinstance(stored, dict):
            return stored
        return {
            key: stored.get(key) if key in ATOMIC else projected(stored.get(key), value)
            for key, value in ours.items()
        }
    if isinstance(ours, list) and isinstance(stored, list):
        known = _Known(stored)
        return [
            projected(known.counterpart(item, position), item) for position, item in enumerate(ours)
        ]
    return stored


def says_the_same(stored: Json, ours: Json) -> bool:
    """Whether the stored value has all our manifest has; empty and absent are equal."""
    return _lean(projected(stored, ours)) == _lean(ours)


class _Known:
    """The elements of a stored list, each looked up once: others may have made it long."""

    def __init__(self, stored: list[Json]) -> None:
        self._stored = stored
        self._by: dict[tuple[str, ...], dict[str, JsonObject]] = {}

    def counterpart(self, item: Json, position: int) -> Json:
        """What corresponds to one of ours: by what tells elements apart, else by position."""
        if isinstance(item, dict):
            for keys in _TOLD_APART_BY:
                if keys[0] in item:
                    return self._index(keys).get(_key(item, keys))
        return self._stored[position] if position < len(self._stored) else None

    def _index(self, keys: tuple[str, ...]) -> dict[str, JsonObject]:
        if keys not in self._by:
            # backwards: of equal ones the first counts
            by_key = {_key(item, keys): item for item in reversed(entries(self._stored))}
            self._by[keys] = by_key
        return self._by[keys]


def _key(item: JsonObject, keys: tuple[str, ...]) -> str:
    """As text: what tells elements apart is a name or a number where it is anything that we made."""
    return repr([item.get(key, _DEFAULTS.get(key)) for key in keys])


def _lean(value: Json) -> Json:
    """A value without empty parts, which the API server may drop or fill in."""
    if isinstance(value, dict):
        kept = {key: _lean(_normalised(key, item)) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_lean(item) for item in value]
    return value


def _normalised(key: str, value: Json) -> Json:
    """Quantities in one spelling, anything else unchanged."""
    if key not in QUANTITIES or not isinstance(value, dict):
        return value
    return {name: _quantity(item) for name, item in value.items()}


def _quantity(value: Json) -> Json:
    """A quantity as its exact amount: `1000m` is `1e0`; anything else is unchanged."""
    amount = amount_of(value)
    return value if amount is None else f"{amount.mantissa}e{amount.exponent}"
