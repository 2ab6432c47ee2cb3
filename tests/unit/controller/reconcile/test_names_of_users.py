"""The name of whoever gave a command: kept where a policy proves it, and nowhere else."""

import pytest
from tests.support.operation import QUICK, Land, Process

from davylamp.api.names import KIND, SPEC_BY, Command
from davylamp.api.status import Outcome

SLOW = {**QUICK, "steps": [{"weight": 25, "hold": "10m"}, {"weight": 50, "pause": True}]}


async def rolling_out(*, proven_names: bool = True) -> Land:
    """A canary of v2 beside v1."""
    land = Land()
    land.processes = [Process(land, proven_names=proven_names)]
    land.apply("v1", rollout=SLOW)
    await land.until(lambda: land.stable() == "v1" and not land.status().previous)
    land.apply("v2")
    await land.until(lambda: land.status().candidate and land.status().candidate.step == 1)
    return land


def give(land: Land, command: Command, value: str, name: str) -> None:
    def annotate(item: dict) -> None:
        annotations = item["metadata"].setdefault("annotations", {})
        annotations[command.value] = value
        annotations[command.beside] = f"{value} {name}"

    land.cluster.edit(KIND, "risk", annotate)


def annotations(land: Land) -> dict[str, str]:
    return land.parent()["metadata"].get("annotations", {})


def events(land: Land) -> list[str]:
    return [event["message"] for event in land.cluster.events]


def candidate(land: Land) -> str:
    status = land.status()
    assert status.candidate
    return status.candidate.revision


async def test_history_the_answer_and_the_event_keep_who_aborted():
    land = await rolling_out()
    revision = candidate(land)
    give(land, Command.ABORT, revision, "alice@example.org")
    await land.run(5)
    status = land.status()
    assert (status.history[0].outcome, status.history[0].by) == (
        Outcome.ABORTED,
        "alice@example.org",
    )
    assert (status.commands[0].command, status.commands[0].by) == ("abort", "alice@example.org")
    assert status.rejected[0].message == "aborted by alice@example.org"
    assert any("aborted by alice@example.org; v1 is still serving" in note for note in events(land))
    assert annotations(land) == {}, "the name goes with its command"


async def test_who_promoted_is_told_when_it_serves():
    land = await rolling_out()
    give(land, Command.PROMOTE, candidate(land), "alice")
    await land.until(lambda: land.stable() == "v2")
    assert any("v2 is promoted at the command of alice, without waiting" in n for n in events(land))
    assert any(
        n.startswith("v2 serves all traffic after") and n.endswith("promoted by alice")
        for n in events(land)
    )
    [promoted] = [e for e in land.status().history if e.tag == "v2"]
    assert (promoted.outcome, promoted.by) == (Outcome.PROMOTED, "alice")


async def test_who_retried_is_told():
    land = await rolling_out()
    revision = candidate(land)
    land.say(Command.ABORT, revision)
    await land.run(3)
    give(land, Command.RETRY, revision, "bob")
    await land.run(3)
    assert any("bob allowed it to be rolled out again" in note for note in events(land))


async def test_a_refused_command_keeps_its_name_too():
    land = await rolling_out()
    give(land, Command.ADVANCE, f"{candidate(land)}@7", "bob")
    await land.run(3)
    [answer] = land.status().commands
    assert (answer.answer, answer.by) == ("Refused", "bob")


async def test_no_name_is_believed_where_no_policy_proves_it():
    """Anybody could have written it."""
    land = await rolling_out(proven_names=False)
    give(land, Command.ABORT, candidate(land), "the-boss")
    await land.run(5)
    status = land.status()
    assert (status.history[0].by, status.commands[0].by) == (None, None)
    assert status.rejected[0].message == "aborted by a user"
    assert "the-boss" not in f"{land.parent()['status']} {events(land)}"
    assert annotations(land) == {}


@pytest.mark.parametrize("beside", ["other alice", "{} ", "{}", "{}alice", ""])
async def test_a_name_beside_another_value_is_about_another_command(beside):
    land = await rolling_out()
    revision = candidate(land)
    give(land, Command.ABORT, revision, "x")
    land.cluster.edit(
        KIND,
        "risk",
        lambda item: item["metadata"]["annotations"].update(
            {Command.ABORT.beside: beside.format(revision)}
        ),
    )
    await land.run(5)
    assert land.status().commands[0].by is None
    assert land.status().rejected[0].message == "aborted by a user"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("system:serviceaccount:ci:deployer", "system:serviceaccount:ci:deployer"),
        ("https://issuer.example#sub/1", "https://issuer.example#sub/1"),
        ("Jörg", "Jörg"),
        ("alice; v2 is fine", "alice??v2?is?fine"),
        ("a\nb\u202ec\x1b[31m`$(x)`", "a?b?c??31m???x??"),
        ("x" * 300, "x" * 100),
    ],
)
async def test_a_name_is_one_short_word(name, kept):
    """Whoever issues tokens chooses it: it makes no sentence, no line and no command."""
    land = await rolling_out()
    give(land, Command.ABORT, candidate(land), name)
    await land.run(5)
    assert land.status().history[0].by == kept
    assert land.status().rejected[0].message == f"aborted by {kept}"


# --- whoever wrote the spec ----------------------------------------------------------------------


def wrote(land: Land, words: str) -> None:
    """A change of the spec, and the name beside it."""

    def change(item: dict) -> None:
        item["metadata"].setdefault("annotations", {})[SPEC_BY] = words
        item["spec"]["image"]["tag"] = "v3"

    land.cluster.edit(KIND, "risk", change)


async def test_a_rollout_keeps_who_wrote_its_spec():
    land = await rolling_out()
    generation = land.parent()["metadata"]["generation"]
    wrote(land, f"{generation + 1} carol")
    await land.until(lambda: land.status().candidate and land.status().candidate.tag == "v3")
    assert land.status().candidate.started_by == "carol"
    assert any(note.endswith("as carol wrote") for note in events(land))
    land.say(Command.ABORT, candidate(land))
    await land.run(5)
    entry = land.status().history[0]
    assert (entry.tag, entry.started_by, entry.by) == ("v3", "carol", None)


@pytest.mark.parametrize("words", ["{older} carol", "{newer} carol", "carol", "", "{} ", "x carol"])
async def test_a_name_beside_another_generation_is_about_another_spec(words):
    land = await rolling_out()
    now = land.parent()["metadata"]["generation"] + 1
    wrote(land, words.format(now, older=now - 1, newer=now + 1))
    await land.until(lambda: land.status().candidate and land.status().candidate.tag == "v3")
    assert land.status().candidate.started_by is None


async def test_no_author_is_believed_where_no_policy_proves_it():
    land = await rolling_out(proven_names=False)
    wrote(land, f"{land.parent()['metadata']['generation'] + 1} carol")
    await land.until(lambda: land.status().candidate and land.status().candidate.tag == "v3")
    assert land.status().candidate.started_by is None
