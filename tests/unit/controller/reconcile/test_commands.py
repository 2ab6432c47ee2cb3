"""Commands on a fake cluster: taken off when they are answered, and answered once where they stay."""

from tests.support.fakecluster import Write
from tests.support.operation import NAME, Land

from davylamp.adapters.errors import Forbidden, Retryable
from davylamp.api.names import KIND, Command


async def in_canary() -> Land:
    land = Land()
    for tag in ("v1", "v2"):
        land.apply(tag)
        await land.until(lambda tag=tag: tag in land.serving())
    return land


def annotations(land: Land) -> dict:
    return (land.parent() or {})["metadata"].get("annotations", {})


def removals(land: Land) -> list[Write]:
    return [w for w in land.cluster.writes if (w.verb, w.kind) == ("patch", KIND)]


def answers(land: Land) -> list[tuple[str, str]]:
    return [(answer.command, answer.answer.value) for answer in land.status().commands]


async def test_an_answered_command_is_taken_off_and_its_words_are_new_again():
    land = await in_canary()
    bad = land.status().candidate.revision
    for attempt in (1, 2):
        land.say(Command.ABORT, bad)
        await land.run(2)
        assert land.told().count("Aborted") == attempt
        assert annotations(land) == {}
        land.say(Command.RETRY, bad)
        await land.until(lambda: "v2" in land.serving())
    assert answers(land) == [("retry", "Accepted"), ("abort", "Accepted")]
    assert land.status().handled.model_dump(exclude_none=True) == {}
    assert len(removals(land)) == 4


async def test_an_answer_costs_three_writes_and_an_event_and_then_it_is_idle():
    land = Land()
    land.apply("v1")
    await land.settle()
    before = len(land.cluster.writes)
    land.say(Command.RETRY, land.status().stable.revision)
    await land.run(60)
    written = [(w.verb, w.kind) for w in land.cluster.writes[before:]]
    assert written == [
        ("update_status", KIND),
        ("create", "Event"),
        ("patch", KIND),
        ("update_status", KIND),
    ]


async def test_a_declared_command_stays_and_is_answered_once():
    land = await in_canary()
    bad = land.status().candidate.revision

    def declare(item: dict) -> None:
        item["metadata"]["annotations"] = {Command.ABORT.value: bad}
        fields = {"f:metadata": {"f:annotations": {f"f:{Command.ABORT.value}": {}}}}
        item["metadata"]["managedFields"] = [{"operation": "Apply", "fieldsV1": fields}]

    land.cluster.edit(KIND, NAME, declare)
    await land.until(lambda: land.status().rejected)
    land.say(Command.RETRY, bad)
    await land.until(lambda: "v2" in land.serving())
    assert annotations(land) == {Command.ABORT.value: bad}
    assert land.told().count("Aborted") == 1
    assert land.told().count("CommandRefused") == 1
    assert answers(land)[0] == ("abort", "Refused")


async def test_without_the_permission_it_is_tried_now_and_then_and_the_command_acts_once():
    land = await in_canary()

    def refuse(write: Write) -> None:
        if (write.verb, write.kind) == ("patch", KIND):
            raise Forbidden("patch ModelDeployment: 403")

    land.cluster.before.append(refuse)
    bad = land.status().candidate.revision
    land.say(Command.ABORT, bad)
    await land.run(120)
    assert len(removals(land)) == 1
    assert land.told().count("Aborted") == 1
    land.say(Command.RETRY, bad)
    await land.until(lambda: "v2" in land.serving())
    assert land.status().rejected == ()


async def test_a_removal_that_fails_for_a_moment_is_repeated():
    land = await in_canary()
    failures = iter([Retryable("patch: no answer"), None])

    def fail_once(write: Write) -> None:
        if (write.verb, write.kind) == ("patch", KIND) and (error := next(failures, None)):
            raise error

    land.cluster.before.append(fail_once)
    land.say(Command.ABORT, land.status().stable.revision)
    await land.run(30)
    assert annotations(land) == {}
    assert land.told().count("CommandRefused") == 1


async def test_another_command_that_comes_in_between_is_not_lost():
    land = await in_canary()
    stable, candidate = land.status().stable.revision, land.status().candidate.revision
    once = iter([True])

    def change_of_mind(write: Write) -> None:
        if (write.verb, write.kind) == ("patch", KIND) and next(once, False):
            land.say(Command.ABORT, candidate)

    land.cluster.before.append(change_of_mind)
    land.say(Command.ABORT, stable)
    await land.run(3)
    assert [entry.tag for entry in land.status().rejected] == ["v2"]
    assert annotations(land) == {}


async def test_two_answers_of_one_pass_are_two_events():
    land = await in_canary()
    stable = land.status().stable.revision
    for command in (Command.RETRY, Command.ADVANCE, Command.PROMOTE):
        land.say(command, stable)
    await land.run(2)
    assert {answer for _, answer in answers(land)} == {"AlreadyDone"}
    assert len(answers(land)) == 3
    told = [event["message"] for event in land.cluster.events]
    assert {answer.message for answer in land.status().commands} <= set(told)


async def test_a_command_on_an_object_that_was_never_followed_is_answered_too():
    land = Land()
    land.apply("v1", serving={"template": {"spec": {"containers": [{"name": "server"}]}}})
    await land.run(2)
    for times in (1, 2):
        land.say(Command.ABORT, "v1")
        land.say(Command.ADVANCE, "")
        await land.run(3)
        assert land.told().count("CommandRefused") == 2 * times
        assert annotations(land) == {}
    assert set(answers(land)) == {("abort", "Refused"), ("advance", "Refused")}
    assert "the spec cannot be followed: spec.serving" in land.status().commands[0].message
    assert land.condition("Ready")[1] == "InvalidSpec"
    land.apply("v1", serving={})
    await land.until(lambda: "v1" in land.serving())
    assert land.told().count("CommandRefused") == 4
