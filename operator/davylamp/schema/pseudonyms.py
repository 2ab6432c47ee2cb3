"""Numbers that stand for names which a model gave: of features, groups, metrics of its manifest.

Whoever writes the spec of a model may not be one who may read its Secrets, but runs its image, and the
image chooses these names. So they are never repeated, unless the spec has them too. The same name has
the same pseudonym everywhere, so that counters, manifests and records of many pods still belong
together.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

HINT: Final = "(each # is a name that the model gave; those listed in spec.rollout.names are shown)"
"""What a sentence with a pseudonym ends with."""
_DIGITS: Final = 6
_PSEUDONYM: Final = re.compile(rf"#[0-9a-f]{{{_DIGITS}}}(?![0-9a-zA-Z])")


def pseudonym(name: str) -> str:
    """`#` and the first six hex digits of the name's SHA-256: `printf %s NAME | sha256sum`.

    Of a name that looks like a pseudonym, too: a model might call its groups `#73656e`, `#686173`.
    """
    return f"#{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"


def pseudonym_of_stored(name: str) -> str:
    """The pseudonym in what this operator has stored itself: as it is, or of a name that is older.

    Never for what a model says now.
    """
    return name if _PSEUDONYM.fullmatch(name) else pseudonym(name)


def with_names(text: str, declared: Iterable[str]) -> str:
    """The text with declared names in place of their pseudonyms, and a hint if others are left."""
    if not _PSEUDONYM.search(text):
        return text
    known = {pseudonym(name): name for name in declared}
    named = _PSEUDONYM.sub(lambda found: known.get(found.group(), found.group()), text)
    is_whole = all(found.group() in known for found in _PSEUDONYM.finditer(text))
    return named if is_whole else f"{named} {HINT}"
