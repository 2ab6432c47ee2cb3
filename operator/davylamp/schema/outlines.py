"""Parts of JSON texts that are too heavy to be parsed as a whole, found by walking over brackets.

A walk makes no object and recurses nowhere. It costs time for each bracket, so it is given a number
of steps, and stops there.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from davylamp.schema.weight import outer_brackets, round_brackets

STEPS: Final = 50_000
"""Brackets of one walk: 20 ms at most."""
FARTHEST: Final = 512 * 1024
"""Bytes from the end among which the last member is looked for."""
_CANDIDATES: Final = 1_000
"""Members further in may have the same name, such as the status of a condition."""
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_LEAF: Final = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
_PLAIN: Final = re.compile(
    rb'(?:[^"\[\]{}]++|%s|\{%s\}|\[%s\])*+' % (_STRING, _LEAF, _LEAF), re.DOTALL
)
"""Everything up to the next bracket that is not closed before another one opens."""
_FLAT: Final = re.compile(_LEAF, re.DOTALL)
"""Everything up to the next bracket."""
_SCALAR: Final = re.compile(rb'%s|[^\s,:"\[\]{}]++' % _STRING, re.DOTALL)
_NAME: Final = re.compile(rb"\s*+(%s)\s*+:\s*+" % _STRING, re.DOTALL)
_COLON: Final = re.compile(rb"\s*+:\s*+")
_OPENING: Final = re.compile(rb"\s*+\{")
_COMMA: Final = re.compile(rb"\s*+,")
_INSIDE: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
"""The rest of a string, up to its closing quote."""
_CLOSES: Final = 4
"""The bit that `]` and `}` have, and `[` and `{` have not."""
_ITEMS: Final = re.compile(rb'"items"\s*+:\s*+\[$')
_NEARBY: Final = 64
"""Bytes among which the name is looked for."""
_LONG: Final = 64 * 1024
"""Bytes of an item after which it is likely to go on."""
_ROUNDS: Final = 32
_AMONG_ITEMS: Final = 2
"""The depth at which the items of a list stand side by side."""
_QUOTE: Final = ord('"')


@dataclass(slots=True)
class Members:
    """Members of an object, by name.

    Attributes:
        whole: the texts of their values.
        rest: of one whose end was not reached: its value and what comes after it.
        is_all: whether the end of the object was reached.
    """

    whole: dict[str, bytes] = field(default_factory=dict)
    rest: dict[str, bytes] = field(default_factory=dict)
    is_all: bool = False


def members(text: bytes, names: Collection[str], steps: int = STEPS) -> Members:
    """The first members of an object that have these names, as far as they come within some steps."""
    known = Members()
    opening = _OPENING.match(text)
    at = opening.end() if opening else len(text)
    while len(known.whole) < len(names):
        name = _NAME.match(text, at)
        if name is None:
            break
        end, steps = _value_end(text, name.end(), steps)
        word = name[1][1:-1].decode(errors="replace")
        if word in names and end is None:
            known.rest[word] = text[name.end() :]
        elif word in names and end is not None:
            known.whole.setdefault(word, text[name.end() : end])
        comma = _COMMA.match(text, end) if end is not None else None
        if comma is None:
            known.is_all = end is not None and text[end:].strip() == b"}"
            break
        at = comma.end()
    return known


def last_member(text: bytes, name: str) -> bytes | None:
    """The value of an object's last member if it has this name; whatever comes before is not looked at.

    What stands between this name and the end of the object is one whole value and one bracket. So
    the name belongs to the object itself: further in, more brackets would have to be closed.
    """
    text = text.rstrip()
    last = text[:-1].rstrip()
    if not text.endswith(b"}"):
        return None
    quoted, steps, start = b'"%s"' % name.encode(), STEPS, len(last)
    for _ in range(_CANDIDATES):
        start = last.rfind(quoted, max(0, len(last) - FARTHEST), start)
        colon = _COLON.match(last, start + len(quoted)) if start > 0 else None
        if start < 0:
            return None
        if colon is None or last[start - 1] not in b",{ \n\t\r":
            continue
        end, steps = _value_end(last, colon.end(), steps)
        if end == len(last):
            return last[colon.end() :]
    return None


def _value_end(text: bytes, at: int, steps: int) -> tuple[int | None, int]:
    """Where the value that begins here ends, and the steps that are left; None where that is not known."""
    if text[at : at + 1] not in (b"{", b"["):
        scalar = _SCALAR.match(text, at)
        return (scalar.end() if scalar else None), steps
    depth, at, plain, length = 1, at + 1, _PLAIN.match, len(text)
    while steps > 0:
        steps -= 1
        stretch = plain(text, at)
        at = stretch.end() + 1 if stretch else length + 1
        if at > length or text[at - 1] == _QUOTE:
            break
        depth += -1 if text[at - 1] & _CLOSES else 1
        if not depth:
            return at, steps
    return None, steps


class ListSplitter:
    """Cuts the items out of the text of a list while it comes in, so that it is never there as a whole.

    Args:
        most: bytes that are kept of one item, and of everything around the items.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._around = bytearray()
        self._item = bytearray()
        self._left = b""
        """A backslash at the end of a part, whose meaning the next one shows."""
        self._depth = 0
        self._in_string = False
        self._in_items = False

    def feed(self, part: bytes) -> Iterator[bytes | None]:
        """The items that are complete with this part of the text; None for one that is longer than `most`.

        Takes time for each bracket, so parts should be short.
        """
        part, at, self._left = self._left + part, 0, b""
        if len(self._item) > _LONG and self._is_inside(part):
            return
        while at < len(part):
            stretch = self._stretch().match(part, at)
            end = stretch.end() if stretch else len(part)
            if end == len(part):
                self._keep(part[at:])
                return
            if part[end] == _QUOTE:
                self._in_string = not self._in_string
            elif self._in_string:
                self._keep(part[at:end])
                self._left = part[end:]
                return
            else:
                yield from self._bracket(part[at:end], part[end])
                at = end + 1
                continue
            self._keep(part[at : end + 1])
            at = end + 1

    def _is_inside(self, part: bytes) -> bool:
        """Account for a part at once where the item that is under way cannot end in it."""
        backslashes = len(part) - len(part.rstrip(b"\\"))
        if backslashes % 2:
            part, left = part[:-1], part[-1:]
        else:
            left = b""
        pieces = part.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        structure = b"".join(pieces[self._in_string :: 2])
        brackets = outer_brackets(round_brackets(structure), _ROUNDS)
        closed = brackets.count(b")")
        if closed >= self._depth - _AMONG_ITEMS:
            return False
        self._depth += len(brackets) - 2 * closed
        self._in_string ^= len(pieces) % 2 == 0
        self._keep(part)
        self._left = left
        return True

    def around(self) -> bytes | None:
        """The list without its items; None where its end has not come, or it is longer than `most`."""
        is_whole = not self._depth and len(self._around) <= self._most
        return bytes(self._around) if is_whole else None

    def _stretch(self) -> re.Pattern[bytes]:
        """What goes on up to the next place where something changes."""
        if self._in_string:
            return _INSIDE
        return _FLAT if self._in_items and self._depth == _AMONG_ITEMS else _PLAIN

    def _bracket(self, before: bytes, bracket: int) -> Iterator[bytes | None]:
        self._keep(before)
        closes = bracket & _CLOSES
        self._depth += -1 if closes else 1
        if self._in_items and closes and self._depth == 1:
            self._in_items = False
        kept = self._item if self._in_items else self._around
        kept.append(bracket)
        if self._depth != _AMONG_ITEMS:
            return
        if self._in_items:
            yield bytes(self._item) if len(self._item) <= self._most else None
            self._item = bytearray()
        elif not closes and _ITEMS.search(self._around[-_NEARBY:]):
            self._in_items = True

    def _keep(self, text: bytes) -> None:
        if self._in_items and self._depth == _AMONG_ITEMS:
            return  # commas
        kept = self._item if self._in_items else self._around
        if len(kept) <= self._most:
            kept += text
