"""Names beside commands, whatever stands there: strangers write both."""

import re

from hypothesis import given
from hypothesis import strategies as st

from davylamp.api.names import SPEC_BY, Command
from davylamp.controller.commands.annotations import LONGEST_NAME, author_in, users_in

WORD = re.compile(r"[\w@.:+/#%=~?-]+")
TEXTS = st.text() | st.text("ab @\n", max_size=6)
ANYTHING = (
    TEXTS | st.none() | st.integers() | st.lists(st.text()) | st.dictionaries(st.text(), TEXTS)
)


def said(**annotations: object) -> dict:
    return {"metadata": {"generation": 7, "annotations": annotations}}


@given(ANYTHING, ANYTHING)
def test_a_name_is_one_short_word_or_none(value, beside):
    users = users_in(said(**{Command.ABORT.value: value, Command.ABORT.beside: beside}))
    assert set(users) <= {Command.ABORT}
    for name in users.values():
        assert WORD.fullmatch(name)
        assert len(name) <= LONGEST_NAME


@given(TEXTS, st.from_regex(r"[a-z@.:-]{1,40}", fullmatch=True))
def test_what_the_api_server_writes_is_read_as_it_was_meant(value, name):
    """`value + ' ' + username`, as the policy has it."""
    written = {Command.RETRY.value: value, Command.RETRY.beside: f"{value} {name}"}
    assert users_in(said(**written)) == {Command.RETRY: name}


@given(ANYTHING)
def test_an_author_is_one_short_word_and_of_this_generation(beside):
    author = author_in(said(**{SPEC_BY: beside}))
    if author is not None:
        assert str(beside).startswith("7 ")
        assert WORD.fullmatch(author)
        assert len(author) <= LONGEST_NAME


@given(st.integers(), st.from_regex(r"[a-z@.:-]{1,40}", fullmatch=True))
def test_a_name_of_another_generation_is_no_authors(generation, name):
    author = author_in(said(**{SPEC_BY: f"{generation} {name}"}))
    assert author == (name if generation == 7 else None)
