"""Turns, whatever is added, given back and withdrawn in whatever order."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from davylamp.controller.fairness.turns import Turns

SHARE = 3
OWNERS = tuple("abcdefgh")
owners = st.sampled_from(OWNERS)


class AnyOrder(RuleBasedStateMachine):
    """What waits and what holds a slot, counted beside the scheduler."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: Turns[str, tuple[str, int]] = Turns(SHARE)
        self.number = 0
        self.waiting: dict[str, list[tuple[str, int]]] = {}
        self.running: list[tuple[str, int]] = []
        self.passed_over: Counter[str] = Counter()
        """Slots that others got since an owner without one began to wait."""

    def held(self, owner: str) -> int:
        return sum(holder == owner for holder, _ in self.running)

    @rule(owner=owners, number=st.integers(1, 20))
    def many_are_added(self, owner, number):
        for _ in range(number):
            self.number += 1
            item = (owner, self.number)
            assert self.turns.add(owner, item)
            self.waiting.setdefault(owner, []).append(item)

    @rule()
    def one_gets_a_slot(self):
        free = 2 * SHARE - len(self.running)
        item = self.turns.take()
        if item is None:  # nothing is left idle that somebody may have
            assert all(self.held(owner) >= free for owner in self.waiting)
            return
        owner = item[0]
        assert self.held(owner) < free
        assert item == self.waiting[owner].pop(0), "the oldest of its owner"
        if not self.waiting[owner]:
            del self.waiting[owner]
        self.running.append(item)
        del self.passed_over[owner]
        self.passed_over.update(other for other in self.waiting if not self.held(other))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_gives_its_slot_back(self, data):
        item = data.draw(st.sampled_from(self.running))
        self.running.remove(item)
        self.turns.release(item)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def one_waits_no_longer(self, data):
        line = self.waiting[data.draw(st.sampled_from(sorted(self.waiting)))]
        item = data.draw(st.sampled_from(line))
        line.remove(item)
        if not line:
            del self.waiting[item[0]]
            del self.passed_over[item[0]]
        assert self.turns.withdraw(item)

    @invariant()
    def nobody_waits_for_more_than_one_of_each_other(self):
        assert all(passed < len(OWNERS) for passed in self.passed_over.values())

    @invariant()
    def nothing_is_lost(self):
        assert self.turns.waiting == sum(map(len, self.waiting.values()))
        assert all(item in self.turns for line in self.waiting.values() for item in line)
        assert all(item in self.turns for item in self.running)
        assert len(self.running) <= 2 * SHARE

    @invariant()
    def the_last_slot_goes_to_somebody_without_one(self):
        if len(self.running) == 2 * SHARE:
            assert self.held(self.running[-1][0]) == 1


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
