"""What a refused write does to the rest of its plan, what is told of it, and what is tried again."""

import pytest
from tests.support import plans
from tests.support.fakecluster import ANY, Port, Write, refusing_kind
from tests.support.operation import Land

from davylamp.adapters.errors import Forbidden, OperatorError, Retryable, Terminal
from davylamp.api.names import KIND, Command

PASSING = Retryable("500 no answer")
FORBIDDEN = Forbidden("403 exceeded quota")
INVALID = Terminal("Invalid", "422 unknown field")
EVERY = ["Fence", "Record", "Grow", "Flight record", "Status", "Events", "Shrink"]
TOLD = ["Flight record", "Status", "Events"]
SECOND_WAY = ["Fence", "Shrink", "Record", "Grow", *TOLD]
"""The canary is scaled down at once; of the new revision only its record and budget are made."""


def step_of(write: Write) -> str:
    """The step of a write in the pass in which v3 supersedes v2."""
    match write.kind:
        case "Service":
            return "Fence"
        case "ControllerRevision":
            return "Record"
        case "Event":
            return "Events"
        case names_kind if names_kind == KIND:
            return "Status"
        case "ConfigMap" if write.name.endswith("-flight"):
            return "Flight record"
        case "Deployment" if not write.body["spec"]["replicas"]:
            return "Shrink"
        case _:
            return "Grow"


async def superseded(
    step: str = "", error: OperatorError | None = None, *, service: str | None = None
) -> tuple[Land, list[str]]:
    """A canary that gives way to v3 while a step is refused; the steps tried in that pass.

    With `service` only the writes of that one are refused.
    """
    story = plans.Story()
    await story.served()
    await story.in_canary()
    land = story.land

    def refuse(write: Write) -> None:
        if error is not None and step_of(write) == step and service in {None, write.name}:
            raise error

    land.cluster.before.append(refuse)
    land.apply("v3")
    await land.tick()
    tried = [step_of(write) for write in land.operator.passes[-1]]
    return land, list(dict.fromkeys(tried))


@pytest.mark.parametrize(
    ("step", "error", "tried"),
    [
        ("Fence", PASSING, SECOND_WAY),
        ("Fence", FORBIDDEN, SECOND_WAY),
        ("Fence", INVALID, SECOND_WAY),
        ("Record", PASSING, ["Fence", "Record", "Grow", *TOLD, "Shrink"]),
        ("Record", FORBIDDEN, ["Fence", "Record", "Grow", *TOLD, "Shrink"]),
        ("Record", INVALID, ["Fence", "Record", "Grow", *TOLD, "Shrink"]),
        ("Grow", PASSING, EVERY),
        ("Grow", FORBIDDEN, EVERY),
        ("Grow", INVALID, EVERY),
        ("Flight record", PASSING, EVERY),
        ("Flight record", FORBIDDEN, EVERY),
        ("Flight record", INVALID, EVERY),
        ("Status", PASSING, EVERY[:5]),
        ("Status", FORBIDDEN, EVERY[:6]),
        ("Events", PASSING, EVERY),
        ("Events", FORBIDDEN, EVERY),
        ("Shrink", PASSING, EVERY),
        ("Shrink", INVALID, EVERY),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
async def test_after_a_refused_write_this_is_still_written(step, error, tried):
    _, undisturbed = await superseded()
    assert undisturbed == EVERY
    _, disturbed = await superseded(step, error)
    assert disturbed == tried


@pytest.mark.parametrize("error", [FORBIDDEN, INVALID], ids=["Forbidden", "Terminal"])
async def test_p1_one_service_that_is_refused_does_not_keep_the_others_unfenced(error):
    """Whichever it is: each Service is a way for traffic of its own."""
    undisturbed, _ = await superseded()
    fenced = [w.name for w in undisturbed.operator.passes[-1] if step_of(w) == "Fence"]
    assert len(fenced) > 1
    for refused in fenced:
        land, _ = await superseded("Fence", error, service=refused)
        tried = [write.name for write in land.operator.passes[-1] if step_of(write) == "Fence"]
        assert tried == fenced


@pytest.mark.parametrize("step", ["Fence", "Record", "Grow", "Shrink"])
@pytest.mark.parametrize("error", [FORBIDDEN, INVALID], ids=["Forbidden", "Terminal"])
async def test_a_lasting_refusal_is_told_until_it_is_gone(step, error):
    """What is in the way of the new revision stalls it; a refused scale-down is not."""
    land, _ = await superseded(step, error)
    await land.run(3)
    for _ in range(3):
        assert str(error) in land.condition("Obstructed")[2]
        assert str(error) in land.condition("Ready")[2]
        assert (land.condition("Stalled") is None) == (step == "Shrink")
        land.operator.wake(land.operator.cache.parents()[0])
        await land.tick()
    land.cluster.before.clear()
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    assert land.condition("Stalled") is None
    assert land.condition("Obstructed") is None
    assert (land.stable(), land.serving()) == ("v3", {"v3"})


@pytest.mark.parametrize("step", [step for step in EVERY if step != "Flight record"])
@pytest.mark.parametrize("error", [PASSING, FORBIDDEN], ids=["passing", "lasting"])
async def test_p5_whatever_was_refused_it_ends_as_without(step, error):
    undisturbed, _ = await superseded()
    await undisturbed.settle()
    land, _ = await superseded(step, error)
    land.cluster.before.clear()
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    assert land.end() == undisturbed.end()


@pytest.mark.parametrize("error", [PASSING, FORBIDDEN], ids=["passing", "lasting"])
async def test_of_a_refused_flight_record_nothing_else_is_missing(error):
    undisturbed, _ = await superseded()
    await undisturbed.settle()
    land, _ = await superseded("Flight record", error)
    land.cluster.before.clear()
    await land.settle()
    end, whole = land.end(), undisturbed.end()
    lost = [name for name in whole["kept"].pop("ConfigMap") if name not in end["kept"]["ConfigMap"]]
    assert lost == [f"risk-{entry.revision}-flight" for entry in land.status().history[1:2]]
    del end["kept"]["ConfigMap"]
    assert end == whole


@pytest.mark.parametrize("step", ["", *EVERY])
async def test_the_status_is_written_at_most_once_in_a_pass(step):
    land, _ = await superseded(step, INVALID)
    await land.run(3)
    land.cluster.before.clear()
    land.operator.wake(land.operator.cache.parents()[0])
    await land.settle()
    written = [[w.verb for w in p].count("update_status") for p in land.operator.passes]
    assert max(written) == 1


async def test_a_refusal_after_the_status_is_told_by_a_pass_of_its_own():
    land = Land()
    land.cluster.before.append(refusing_kind("Service", "risk-canary"))
    land.apply("v1")
    await land.tick()
    assert land.condition("Stalled") is None
    await land.tick()
    assert "Service risk-canary: 422" in land.condition("Stalled")[2]


async def test_a_status_that_is_refused_is_not_tried_without_end():
    land = Land()

    def refuse(write: Write) -> None:
        if write.kind == KIND:
            raise INVALID

    land.cluster.before.append(refuse)
    land.apply("v1")
    await land.run(20)
    assert len(land.operator.passes) < 20


async def test_a_sentence_that_changes_does_not_spin():
    land = Land()

    def refuse(write: Write) -> None:
        if write.kind == "Service":
            raise Terminal("Invalid", f"422 request {write.number}")

    land.cluster.before.append(refuse)
    land.apply("v1")
    await land.run(60)
    assert len(land.operator.passes) < 20


async def test_p1_nothing_is_read_before_the_fence(monkeypatch):
    """Not the API server, at least: all that is needed is known from watches and samples."""
    reads: list[int] = []
    story = plans.Story()
    await story.served()
    land = story.land
    for name in ("get", "list"):
        monkeypatch.setattr(Port, name, counting(getattr(Port, name), reads, land))
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    number = next(
        index
        for index, writes in enumerate(land.operator.passes)
        if any(write.body.get("reason") == "RolledBack" for write in writes)
    )
    assert step_of(land.operator.passes[number][0]) == "Fence"
    assert (number, 0) not in reads


def counting(read, reads: list, land: Land):
    """A read that notes its pass, and how much was written in that before."""

    async def noted(*args, **kwargs):
        passes = land.operator.passes
        reads.append((len(passes) - 1, len(passes[-1])))
        return await read(*args, **kwargs)

    return noted


async def test_what_was_restored_is_told_though_a_later_write_is_refused():
    story = plans.Story()
    await story.served()
    await story.in_canary()
    land = story.land
    serving, other = sorted(
        (item["metadata"]["name"] for item in land.cluster.find("Deployment")),
        key=lambda name: name != f"risk-{land.status().stable.revision}",
    )
    land.cluster.before.append(refusing_kind("Deployment", other))

    def edit(item: dict) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "other:v9"

    for name in (serving, other):
        land.cluster.edit("Deployment", name, edit)
    await land.tick()
    restored = [e["message"] for e in land.cluster.events if e["reason"] == "Restored"]
    assert restored == [f"Deployment of {land.status().stable.revision} was put back"]


async def test_an_invalid_spec_is_told_at_once_where_a_refusal_was_told_before():
    """Nothing is followed any more, and the refusal of an earlier pass is no longer true."""
    land = Land()
    land.cluster.before.append(refusing_kind("PodDisruptionBudget", ANY))
    land.apply("v1")
    await land.run(3)
    revision = land.status().candidate.revision
    land.say(Command.ABORT, revision)
    await land.run(3)
    assert land.status().candidate is None
    land.apply("latest" * 100)
    await land.run(3)
    assert land.condition("Stalled")[2].startswith("spec.image.tag")


async def test_a_list_that_is_refused_is_told_in_the_status_and_nothing_is_decided():
    """A new leader may not list a kind; another revision is wanted meanwhile."""
    story = plans.Story()
    await story.served()
    land = story.land
    land.restart()
    land.apply("v2")
    land.operator.hear()
    key, error = land.operator.cache.parents()[0], Forbidden("list Pod: 403", by="a role")
    land.operator.passes.append([])
    assert await land.operator.reconcile.unobserved(key, error) is not None
    assert {write.kind for write in land.operator.passes[-1]} == {KIND, "Event"}
    assert land.condition("Obstructed")[1:] == ("WriteRefused", "refused by a role: list Pod: 403")
    assert "list Pod: 403" in land.condition("Ready")[2]
    assert land.status().candidate is None
    await land.settle()
    assert land.condition("Obstructed") is None
    assert land.serving() == {"v2"}
