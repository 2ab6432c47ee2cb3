"""Revisions that cannot be mixed up, and commands that can be copied."""

import shlex

import pytest
from tests.support.nature import Model, settle, world_in
from tests.support.world import NAME, ref

from davylamp.api.names import Command, Reason
from davylamp.api.status import RevisionRef
from davylamp.rollout import decide
from davylamp.rollout.wording import RESOURCE, annotate, counted, kubectl, named, pair

OLD = RevisionRef(revision="abc", tag="v1", feature_snapshot="monday", seed=1)
NEW = RevisionRef(revision="def", tag="v1", feature_snapshot="tuesday", seed=1)
OTHER = RevisionRef(revision="123", tag="v2", feature_snapshot="tuesday", seed=1)


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (OTHER, OLD, ("v2", "v1")),
        (NEW, OLD, ("v1 (revision def)", "v1 (revision abc)")),
        (OLD, OLD, ("v1", "v1")),
        (OLD, None, ("v1", "nothing")),
    ],
)
def test_revisions_with_the_same_tag_are_named_too(first, second, names):
    assert pair(first, second) == names
    assert named(first, second) == names[0]


def test_one_of_several_may_have_the_same_tag():
    assert named(NEW, None, OTHER, OLD) == "v1 (revision def)"


@pytest.mark.parametrize(("number", "text"), [(0, "0 pods"), (1, "1 pod"), (2, "2 pods")])
def test_one_has_no_plural(number, text):
    assert counted(number, "pod") == text


def test_commands_name_the_resource_in_full_and_the_namespace_where_it_is_known():
    command = f"annotate --overwrite {RESOURCE}/risk davylamp.dev/abort=abc"
    assert annotate("risk", "models", Command.ABORT, "abc") == f"`kubectl {command} -n models`"
    assert kubectl(command, "") == f"`kubectl {command}`"
    assert RESOURCE == "modeldeployment.davylamp.dev"


# --- in a decision --------------------------------------------------------------------------------


def same_tag(world):
    """Another snapshot of the same image tag is rolled out: only the revision tells them apart."""
    world.apply("v2")
    status = world.status
    stable = status.stable.model_copy(update={"tag": "v2"})
    world.stored = status.model_copy(update={"stable": stable}).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    return world


def test_a_rollback_to_the_same_tag_names_both_revisions():
    world = same_tag(world_in("Canary"))
    bad, good = f"v2 (revision {ref('v2').revision})", f"v2 (revision {ref('v1').revision})"
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS}, until=lambda w: bool(w.rejected))
    notice = next(n for n in world.notices if n.reason is Reason.ROLLED_BACK)
    assert notice.message.startswith(f"{bad} rolled back (GateFailed): ")
    assert notice.message.endswith(f"; {good} is still serving")
    message = world.condition("Stalled")[2]
    assert message.startswith(f"{bad} rolled back; {good} is serving. GateFailed: ")


def test_the_retry_is_a_command_for_the_shell_in_the_objects_namespace():
    world = world_in("Canary")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    decision = decide(world.status, world.observe(), name=NAME, namespace="models")
    message = next(c.message for c in decision.status.conditions if c.type == "Stalled")
    words = shlex.split(message.split("`")[1])
    assert words[:4] == ["kubectl", "annotate", "--overwrite", f"{RESOURCE}/{NAME}"]
    assert words[4] == f"{Command.RETRY}={ref('v2').revision}"
    assert words[5:] == ["-n", "models"]


def test_after_a_rollback_to_the_same_tag_its_verification_names_the_revision():
    world = same_tag(world_in("Canary"))
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    good = f"v2 (revision {ref('v1').revision})"
    assert world.condition("RollbackVerified")[2] == f"{good}: 8 golden requests: pass"
    assert world.condition("Available")[2] == f"{good} is serving"
    assert world.notices[-1].message.startswith(f"{good} is serving after the rollback: ")
