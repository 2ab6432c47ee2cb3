"""Whether a stored object still says what we applied.

Only fields we name are looked at: what others add is theirs. The API server may store a value in
another spelling (`1000m` as `1`); what it made of our own write is therefore remembered by the
caller as the spelling to compare with.
"""

from typing import Final

from davylamp.api.json import Json

ATOMIC: Final = frozenset({"selector"})
"""Fields that are one value to the API server: a key more in a selector is another selector."""


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
        kept = {key: _lean(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [_lean(item) for item in value]
    return value
