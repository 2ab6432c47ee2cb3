"""A tag is resolved once, before any pod; what became of that is told, and a moved tag too."""

import pytest
from tests.support.fakeregistries import digest_of
from tests.support.nature import serving_world
from tests.support.world import NAME, NAMESPACE, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.status import Stage
from davylamp.images import ImageFault, ImageFinding, Resolved, Unresolved

V1, V2 = revision_of("v1"), revision_of("v2")
A, B = digest_of(0xA), digest_of(0xB)
DOWN = Unresolved(ImageFault.UNREACHABLE, "registry registry.example cannot be reached")
MISSING = Unresolved(ImageFault.NOT_FOUND, "registry registry.example has no tag v2 of model")
UNSIGNED = Unresolved(ImageFault.UNSIGNED, f"there is no signature of {A} in its registry")
FOREIGN = Unresolved(ImageFault.BADLY_SIGNED, f"none of the signatures of {A} counts")


def finding(answer=None, *, demanded=False, revision=V2):
    return ImageFinding(revision, "registry.example", demanded, answer)


def rolling_out(answer=None, **options):
    """v1 serves, and v2 was just applied."""
    world = serving_world()
    world.apply("v2", image=finding(answer, **options))
    world.reconcile()
    return world


def passes(world, count=3):
    for _ in range(count):
        world.reconcile()
        world.controllers_run()


def test_no_pod_is_made_before_the_registry_has_answered():
    world = rolling_out()
    passes(world)
    assert V2 not in world.records
    assert not world.pods.get(V2)
    assert world.status.candidate.waiting_for == Reason.AWAITING_IMAGE
    assert "asking registry.example which digest tag v2 has" in world.condition("Ready")[2]


def test_the_digest_is_in_the_status_before_any_pod_and_is_told_once():
    world = rolling_out()
    world.image = finding(Resolved(A))
    passes(world)
    assert world.status.candidate.digest == A
    assert world.pods[V2]
    assert world.told.count(Reason.IMAGE_PINNED) == 1
    assert world.condition("ImageNotPinned") is None


def test_a_pinned_digest_stays_whatever_nodes_report():
    world = rolling_out(Resolved(A))
    passes(world)
    pod = world.pods[V2][0]
    world.change_pod(V2, pod, image_id=f"registry.example/model@{B}")
    world.reconcile()
    assert world.status.candidate.digest == A


def test_a_registry_that_cannot_be_asked_holds_nothing_up_and_is_told():
    world = rolling_out(DOWN)
    passes(world)
    assert V2 in world.records
    assert world.pods[V2]
    value, reason, message = world.condition("ImageNotPinned")
    assert (value, reason) == ("True", "ImageNotPinned")
    assert "registry.example cannot be reached" in message
    assert "spec.image.digest" in message
    assert world.told.count(Reason.IMAGE_NOT_PINNED) == 1


def test_what_is_not_pinned_is_told_until_another_revision_serves():
    world = rolling_out(DOWN)
    passes(world)
    world.apply("v1", image=None)
    passes(world)
    assert world.condition("ImageNotPinned") is None
    assert world.status.images == ()


@pytest.mark.parametrize("answer", [DOWN, MISSING, UNSIGNED, FOREIGN])
def test_where_a_digest_is_demanded_no_pod_is_made_without_one(answer):
    world = rolling_out(answer, demanded=True)
    passes(world)
    assert V2 not in world.records
    assert not world.pods.get(V2)
    assert world.stable == "v1"
    assert answer.message in world.condition("Stalled")[2]
    assert f"{Command.ABORT}={V2}" in world.condition("Ready")[2]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (MISSING, Reason.IMAGE_UNAVAILABLE),
        (UNSIGNED, Reason.SIGNATURE_MISSING),
        (FOREIGN, Reason.SIGNATURE_INVALID),
    ],
)
def test_an_image_that_is_not_what_it_has_to_be_is_rejected_at_its_deadline(answer, reason):
    world = rolling_out(answer, demanded=True)
    world.wait(minutes=9)
    world.reconcile()
    assert world.stage is Stage.PREPARING
    world.wait(minutes=2)
    passes(world)
    assert world.candidate is None
    assert (world.stable, world.rejected) == ("v1", {"v2"})
    assert world.status.rejected[0].reason == reason
    assert answer.message in world.status.rejected[0].message
    assert not world.pods.get(V2)


def test_a_registry_that_cannot_be_asked_is_waited_for_without_end():
    world = rolling_out(DOWN, demanded=True)
    world.wait(hours=5)
    passes(world)
    assert world.stage is Stage.PREPARING
    assert world.status.candidate.waiting_for == Reason.PROGRESS_DEADLINE_EXCEEDED
    assert "not resolved after 10m" in world.condition("Stalled")[2]
    world.say(Command.ABORT, "v2")
    passes(world)
    assert (world.candidate, world.stable) == (None, "v1")


def test_a_signature_that_comes_late_is_in_time():
    world = rolling_out(UNSIGNED, demanded=True)
    world.wait(minutes=9)
    world.image = finding(Resolved(A), demanded=True)
    passes(world)
    assert world.pods[V2]


def test_what_is_known_of_another_revision_holds_nothing_up():
    world = rolling_out(DOWN, demanded=True, revision=V1)
    passes(world)
    assert world.pods[V2]


def test_a_moved_tag_is_told_once_with_both_digests_and_what_to_type():
    world = serving_world()
    world.pins[V1] = A
    world.tags[V1] = Resolved(B)
    passes(world)
    value, reason, message = world.condition("TagMoved")
    assert (value, reason) == ("True", "TagMoved")
    assert A in message
    assert B in message
    assert f"patch modeldeployment.davylamp.dev/{NAME}" in message
    assert f'"digest":"{B}"' in message
    assert f"-n {NAMESPACE}" in message
    assert world.told.count(Reason.TAG_MOVED) == 1
    assert world.stable == "v1"
    assert world.candidate is None


def test_a_tag_that_is_moved_again_is_told_again_and_one_that_is_moved_back_is_over():
    world = serving_world()
    world.pins[V1] = A
    for digest in (B, digest_of(0xC)):
        world.tags[V1] = Resolved(digest)
        passes(world)
    assert world.told.count(Reason.TAG_MOVED) == 2
    world.tags[V1] = Resolved(A)
    passes(world)
    assert world.condition("TagMoved") is None


def test_a_registry_that_is_down_says_nothing_of_a_tag():
    world = serving_world()
    world.pins[V1] = A
    world.tags[V1] = Resolved(B)
    passes(world)
    world.tags[V1] = DOWN
    passes(world)
    assert world.condition("TagMoved")
    world.tags.clear()  # another process, which has not asked yet
    passes(world)
    assert world.condition("TagMoved")
    assert world.told.count(Reason.TAG_MOVED) == 1


def test_a_revision_that_is_tried_again_keeps_its_digest():
    world = rolling_out(Resolved(A))
    passes(world)
    world.say(Command.ABORT, "v2")
    passes(world)
    world.image = None  # it is recorded
    world.tags[V2] = Resolved(B)
    world.say(Command.RETRY, "v2")
    passes(world)
    assert world.status.candidate.digest == A
    assert "also when it is tried again" in world.condition("TagMoved")[2]
