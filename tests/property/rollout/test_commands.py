"""Commands in any order, given, declared and left over: each has an answer, and none acts twice."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.nature import Model, live, serving_world
from tests.support.world import Children, revision_of

from davylamp.api.names import Command
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome
from davylamp.rollout.commands.memory import is_answered

TAGS = ("v1", "v2", "v3")
PLAN = Rollout(steps=(Step(weight=25, pause=True), Step(weight=50, hold="10s")), probation="1m")
MODELS = {"v1": Model.GOOD, "v2": Model.GOOD, "v3": Model.ERRORS}
tags = st.sampled_from(TAGS)
commands = st.sampled_from(Command)


class Commands(RuleBasedStateMachine):
    """A model in service, users with commands, a tool that repeats them, an operator that may die."""

    def __init__(self) -> None:
        super().__init__()
        self.world: Children = serving_world(rollout=PLAN)
        self.given: dict[str, int] = {}
        """Passes that had begun when an abort was given last, by revision."""
        self.begun: dict[str, int] = {}
        """Passes that had begun when the last attempt began, by revision."""
        self.passes = 0

    def _put(self, command: Command, value: str) -> None:
        """A user gives a command; words that are there already are no change, as for kubectl."""
        if self.world.commands.get(command) != value:
            self.world.commands[command] = value
            if command is Command.ABORT:
                self.given[value.partition("@")[0]] = self.passes

    @rule(command=commands, tag=tags, suffix=st.sampled_from(["", "", "@1", "@2"]))
    def a_user_gives_a_command(self, command: Command, tag: str, suffix: str) -> None:
        self._put(command, revision_of(tag) + suffix)

    @rule(command=commands, value=st.sampled_from(["latest", "", "v2", "@1"]))
    def a_user_mistypes(self, command: Command, value: str) -> None:
        self._put(command, value)

    @rule(tag=tags, paused=st.booleans())
    def the_spec_is_edited(self, tag: str, paused) -> None:
        self.world.apply(tag, paused=paused)

    @rule(command=commands)
    def a_tool_declares_what_is_there(self, command: Command) -> None:
        if command in self.world.commands:
            self.world.declared |= {command}

    @rule()
    def the_manifest_declares_nothing(self) -> None:
        for command in self.world.declared:
            self.world.commands.pop(command, None)
        self.world.declared = frozenset()

    @rule(may=st.booleans())
    def the_permission_comes_and_goes(self, may) -> None:
        self.world.may_consume = may

    @rule(seconds=st.sampled_from([1, 5, 30]))
    def time_passes(self, seconds: int) -> None:
        live(self.world, MODELS, seconds=seconds)

    @rule(writes=st.integers(0, 4))
    def the_operator_is_killed(self, writes: int) -> None:
        self._pass(writes)

    @rule()
    def the_operator_passes(self) -> None:
        self._pass(None)
        for command, value in self.world.commands.items():
            assert is_answered(self.world.status, command, value)
            assert not self.world.may_consume or command in self.world.declared

    @rule(tag=tags, command=st.sampled_from([Command.ABORT, Command.RETRY]))
    def the_same_words_are_heard_again(self, tag: str, command: Command) -> None:
        """Whatever was said before, a command on a free object has its own answer."""
        if not self.world.may_consume or command in self.world.declared:
            return
        self._pass(None)
        self._pass(None)
        assert command not in self.world.commands
        told = len(self.world.notices)
        self._put(command, revision_of(tag))
        self._pass(None)
        (answer,) = (a for a in self.world.status.commands if f"/{a.command}" in command.value)
        assert answer.message in {notice.message for notice in self.world.notices[told:]}
        assert answer.at == self.world.now

    def _pass(self, writes: int | None) -> None:
        self.passes += 1
        before = self.world.status
        self.world.reconcile(crash_after=writes)
        after = self.world.status
        if len(after.history) > len(before.history) or after.history[:1] != before.history[:1]:
            self._no_attempt_was_aborted_by_an_older_command()
        candidate = after.candidate
        if candidate and candidate.started_at == self.world.now:
            self.begun[candidate.revision] = self.passes

    def _no_attempt_was_aborted_by_an_older_command(self) -> None:
        (last, *_) = self.world.status.history
        if last.outcome is Outcome.ABORTED:
            begun = self.begun.get(last.revision, 0)
            assert self.given[last.revision] >= begun, "a command from before the attempt ended it"

    @invariant()
    def each_command_has_one_last_answer(self) -> None:
        commands = [answer.command for answer in self.world.status.commands]
        assert len(set(commands)) == len(commands)


Commands.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCommands = Commands.TestCase
