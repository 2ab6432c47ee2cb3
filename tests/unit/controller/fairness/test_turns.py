"""Whose turn it is: namespaces one after the other, and never all slots for one of them."""

import pytest

from davylamp.controller.fairness.turns import Turns


def taken(turns: Turns[str, str], most: int = 1000) -> list[str]:
    """What gets a slot until nobody may have one."""
    items = []
    while len(items) < most and (item := turns.take()) is not None:
        items.append(item)
    return items


def with_lines(share: int, **lines: int) -> Turns[str, str]:
    turns: Turns[str, str] = Turns(share)
    for owner, number in lines.items():
        for n in range(number):
            turns.add(owner, f"{owner}{n}")
    return turns


def test_one_alone_gets_its_share_first_come_first_served():
    assert taken(with_lines(3, a=9)) == ["a0", "a1", "a2"]


def test_owners_have_their_turn_one_after_the_other():
    assert taken(with_lines(3, a=9, b=2, c=1)) == ["a0", "b0", "c0", "a1", "b1"]


def test_whoever_comes_new_finds_a_slot_free_however_many_hang():
    turns = with_lines(8, **{f"owner-{n}-": 500 for n in range(15)})
    taken(turns)
    turns.add("victim", "v")
    assert turns.take() == "v"


def test_a_slot_that_is_given_back_goes_to_whose_turn_it_is():
    turns = with_lines(1, a=3)
    assert taken(turns) == ["a0"]
    turns.add("b", "b0")
    turns.add("c", "c0")
    assert taken(turns) == ["b0"], "a holds as many as are free"
    turns.release("b0")
    assert taken(turns) == ["c0"]
    turns.release("a0")
    assert taken(turns) == ["a1"]


def test_an_item_is_there_once_whether_it_waits_or_holds_a_slot():
    turns = with_lines(1, a=1)
    assert not turns.add("a", "a0")
    assert turns.take() == "a0"
    assert not turns.add("a", "a0")
    assert "a0" in turns
    turns.release("a0")
    assert "a0" not in turns
    assert turns.add("a", "a0")


def test_one_may_come_before_all_others_of_its_owner_and_of_nobody_else():
    turns = with_lines(2, a=2, b=1)
    turns.add("b", "urgent", is_first=True)
    assert taken(turns) == ["a0", "urgent", "a1"]


def test_who_was_withdrawn_has_no_turn():
    turns = with_lines(4, a=1, b=1, c=1)
    assert turns.withdraw("b0")
    assert not turns.withdraw("b0")
    assert taken(turns) == ["a0", "c0"]
    assert not turns.withdraw("a0"), "it holds a slot"
    assert turns.waiting == 0


def test_no_slots_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Turns(0)
