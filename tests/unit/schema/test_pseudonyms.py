"""Names that a model gives are told as numbers, unless the spec has them too."""

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.schema.pseudonyms import HINT, pseudonym, pseudonym_of_stored, with_names

ODD = [
    "",
    " ",
    "hunter2",
    "#3a9c1g",
    "#12345",
    "#1234567",
    "#73656e",
    "ä\nb",
    "\ud800",
    "x" * 10_000,
]


@pytest.mark.parametrize("name", ODD)
def test_it_is_what_a_shell_makes_of_the_name(name):
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    assert pseudonym(name) == f"#{digest[:6]}"


@given(st.text())
def test_it_has_the_same_shape_and_stands_for_itself_where_it_was_stored(name):
    known = pseudonym(name)
    assert len(known) == 7
    assert set(known[1:]) <= set(string.hexdigits)
    assert pseudonym_of_stored(known) == known
    assert pseudonym_of_stored(f"{known}0") == pseudonym(f"{known}0")


def test_a_name_in_the_shape_of_a_pseudonym_is_not_repeated():
    """A model that calls its groups `#73656e` and `#686173` would be quoted, three bytes each."""
    spelt = [f"#{b'tigerlily'[at : at + 3].hex()}" for at in (0, 3, 6)]
    for piece in spelt:
        assert pseudonym(piece) != piece
        assert with_names(f"{pseudonym(piece)} 1 %", [piece]) == f"{piece} 1 %"


def test_declared_names_are_shown_and_others_are_not():
    text = f"{pseudonym('bmi')} 40 % against {pseudonym('s5')} 20 %"
    assert with_names(text, ["bmi", "s5"]) == "bmi 40 % against s5 20 %"
    assert with_names(text, ["bmi"]) == f"bmi 40 % against {pseudonym('s5')} 20 % {HINT}"
    assert with_names("nothing to name", ["bmi"]) == "nothing to name"
    assert with_names("a colour: #aabbccdd", []) == "a colour: #aabbccdd"
