"""Images through the whole operator: the record keeps the digest, and everything is made from it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.fakecluster import Killed, refusing
from tests.support.fakeregistries import digest_of
from tests.support.operation import Land

from davylamp.api.names import Command
from davylamp.controller.images.resolver import WATCHED_EVERY
from davylamp.controller.images.settings import Digests, ImageSettings
from davylamp.images import KeyRule

A, B, C = (digest_of(number) for number in (0xA, 0xB, 0xC))
AUTO = ImageSettings(digests=Digests.AUTO)
REQUIRED = ImageSettings(digests=Digests.REQUIRE)
SIGNED = ImageSettings(rules=(KeyRule(("registry.example/*",), ("a key",)),))
REPOSITORY = "registry.example/model"


def land_with(settings=AUTO, **tags):
    land = Land(images=settings)
    land.registries.tags = tags or {"v1": A, "v2": B}
    return land


async def served(settings=AUTO, **tags):
    land = land_with(settings, **tags)
    land.apply("v1")
    await land.settle()
    assert land.stable() == "v1"
    return land


def images(land):
    """The images of all Deployments, by tag."""
    containers = (
        item["spec"]["template"]["spec"]["containers"][0]
        for item in land.cluster.find("Deployment")
    )
    named = (container["image"] for container in containers)
    return {image.partition("@")[0].rpartition(":")[2]: image for image in named}


def image_of(tag, digest):
    return f"{REPOSITORY}:{tag}@{digest}"


def asked(land):
    return [tag for tag, _, _ in land.registries.asked]


async def test_the_pods_of_a_new_revision_run_the_digest_of_its_tag():
    land = await served()
    assert images(land) == {"v1": image_of("v1", A)}
    assert land.status().stable.digest == A
    assert land.status().history[0].digest == A
    assert "ImagePinned" in land.told()
    assert asked(land).count("v1") == 1


async def test_the_name_of_a_revision_is_that_of_its_tag():
    pinned, plain = await served(), await served(ImageSettings())
    assert pinned.status().stable.revision == plain.status().stable.revision
    assert images(plain) == {"v1": f"{REPOSITORY}:v1"}
    assert not plain.registries.asked


async def test_p7_a_return_runs_the_same_bytes_wherever_the_tag_points_by_then():
    land = await served()
    land.apply("v2")
    await land.settle()
    land.registries.tags["v1"] = C
    land.apply("v1")
    await land.settle()
    assert land.stable() == "v1"
    assert images(land)["v1"] == image_of("v1", A)
    assert land.status().stable.digest == A
    assert land.status().history[0].digest == A
    assert C in land.condition("TagMoved")[2]


async def test_a_rolled_back_canary_leaves_stable_with_its_digest():
    land = await served()
    land.prometheus.error_share["v2"] = 0.5
    land.apply("v2")
    await land.settle()
    assert land.stable() == "v1"
    assert images(land)["v1"] == image_of("v1", A)
    assert land.status().rejected[0].digest == B


async def test_the_first_registry_that_is_asked_costs_one_pass():
    land = land_with()
    land.apply("v1")
    await land.run(3)
    assert land.cluster.find("ControllerRevision")


async def test_a_registry_that_is_down_holds_up_nothing_but_what_is_demanded():
    for settings, is_made in ((AUTO, True), (REQUIRED, False), (SIGNED, False)):
        land = await served(settings=ImageSettings())
        land.images = settings
        land.restart()
        land.registries.down = True
        land.apply("v2")
        await land.run(20)
        assert bool(images(land).get("v2")) is is_made
        if is_made:
            assert images(land)["v2"] == f"{REPOSITORY}:v2"
            assert land.condition("ImageNotPinned")
            continue
        assert land.serving() == {"v1"}
        land.registries.down = False
        land.registries.signed = {B}
        await land.settle()
        assert land.stable() == "v2"


async def test_without_a_signature_no_pod_is_made_and_the_revision_is_rejected():
    land = land_with(SIGNED)
    land.registries.signed = {A}
    land.apply("v1")
    await land.settle()
    land.apply("v2")
    await land.settle()
    assert (land.stable(), land.rejected_reason()) == ("v1", "SignatureMissing")
    assert B in land.status().rejected[0].message
    assert set(images(land)) == {"v1"}
    assert not land.prometheus.served["v2"]


async def test_a_digest_of_the_spec_is_not_resolved_but_has_to_be_signed():
    named = {"repository": REPOSITORY, "tag": "v1", "digest": C}
    land = land_with(REQUIRED)
    land.apply("v1", image=named)
    await land.settle()
    assert images(land) == {"v1": image_of("v1", C)}
    assert not land.registries.asked
    land = land_with(SIGNED)
    land.registries.signed = {C}
    land.apply("v1", image=named)
    await land.settle()
    assert land.registries.asked == [("v1", C, ())]
    assert images(land) == {"v1": image_of("v1", C)}


async def test_an_image_that_only_nodes_have_is_not_asked_about():
    land = land_with(REQUIRED)
    land.apply("v1", image={"repository": REPOSITORY, "tag": "v1", "pullPolicy": "Never"})
    await land.settle()
    assert images(land) == {"v1": f"{REPOSITORY}:v1"}
    assert not land.registries.asked


async def test_an_overlay_cannot_bring_an_image_past_the_keys():
    land = land_with(SIGNED)
    land.registries.signed = {A}
    containers = [{"name": "model", "image": "evil.example/model:v1"}]
    land.apply("v1", serving={"template": {"spec": {"containers": containers}}})
    await land.run(20)
    assert not land.cluster.find("Deployment")
    assert "gives the container model an image of its own" in land.condition("Ready")[2]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("containers", lambda image: {"image": image}),
        ("initContainers", lambda image: {"image": image}),
        ("volumes", lambda image: {"image": {"reference": image}}),
    ],
)
async def test_images_of_other_containers_need_their_signatures_too(part, field):
    everything = ImageSettings(rules=(KeyRule(("*",), ("a key",)),))
    land = land_with(everything)
    land.registries.signed = {A}

    def apply(image):
        template = {"spec": {part: [{"name": "proxy", **field(image)}]}}
        land.apply("v1", serving={"template": template})

    apply("evil.example/proxy:v1")
    await land.run(20)
    assert "proxy an image that a key is demanded for" in land.condition("Ready")[2]
    apply(f"evil.example/proxy:v1@{C}")
    await land.run(20)
    assert C in land.condition("Ready")[2]
    assert not land.cluster.find("Deployment")
    land.registries.signed.add(C)
    await land.settle()
    assert land.stable() == "v1"


async def test_other_containers_that_no_rule_covers_are_left_alone():
    land = land_with(SIGNED)
    land.registries.signed = {A}
    proxy = {"name": "proxy", "image": "other.example/proxy:v1"}
    land.apply("v1", serving={"template": {"spec": {"containers": [proxy]}}})
    await land.settle()
    assert land.stable() == "v1"


async def test_revisions_of_before_go_on_as_they_are():
    land = await served(ImageSettings())
    land.images = REQUIRED
    land.restart()
    writes = len(land.cluster.writes)
    await land.run(30)
    assert len(land.cluster.writes) == writes
    assert images(land) == {"v1": f"{REPOSITORY}:v1"}
    assert not land.registries.asked


async def test_a_tag_is_looked_at_once_in_an_hour_and_what_serves_goes_on():
    land = await served()
    before = len(asked(land))
    land.registries.tags["v1"] = C
    land.now += timedelta(seconds=WATCHED_EVERY)
    await land.run(5)
    assert len(asked(land)) == before + 1
    value, _, message = land.condition("TagMoved")
    assert value == "True"
    assert A in message
    assert C in message
    assert images(land) == {"v1": image_of("v1", A)}
    writes = len(land.cluster.writes)
    await land.run(60)
    assert (len(asked(land)), len(land.cluster.writes)) == (before + 1, writes)


async def test_retry_keeps_the_digest_and_says_that_the_tag_was_moved():
    land = await served()
    land.models.wrong["v2"] = lambda server: server.manifest.clear()
    land.apply("v2")
    await land.settle()
    revision = land.status().rejected[0].revision
    land.registries.tags["v2"] = C
    land.models.wrong.clear()
    land.say(Command.RETRY, revision)
    await land.until(lambda: land.condition("TagMoved"))
    assert "also when it is tried again" in land.condition("TagMoved")[2]
    await land.settle()
    assert images(land)["v2"] == image_of("v2", B)


@pytest.mark.parametrize("number", range(1, 12))
async def test_p5_killed_at_any_write_it_ends_with_one_digest_in_record_status_and_pods(number):
    land = await served()
    land.cluster.before.append(refusing(len(land.cluster.writes) + number, Killed()))
    land.apply("v2")
    await land.until(lambda: land.deaths)
    land.registries.tags["v2"] = C  # so that a second question has another answer
    await land.settle()
    assert land.stable() == "v2"
    digest = land.status().stable.digest
    assert digest in {B, C}
    assert images(land)["v2"] == image_of("v2", digest)
    assert len(land.cluster.find("ControllerRevision")) == 2
    assert land.deaths == 1


async def test_pull_secrets_are_read_only_where_the_chart_lets_them():
    for allowed in (True, False):
        land = land_with(replace(AUTO, pull_secrets=allowed))
        secret = {"kind": "Secret", "metadata": {"namespace": "models", "name": "registry"}}
        land.cluster.put({"apiVersion": "v1", **secret})
        image = {"repository": REPOSITORY, "tag": "v1", "pullSecrets": ["registry", "missing"]}
        land.apply("v1", image=image)
        await land.settle()
        assert land.registries.asked[0] == ("v1", None, ("registry",) if allowed else ())


async def test_retry_of_what_was_rejected_before_its_record_asks_again_before_any_pod():
    land = land_with(SIGNED)
    land.registries.signed = {A}
    land.apply("v1")
    await land.settle()
    land.apply("v2")
    await land.settle()
    assert land.rejected_reason() == "SignatureMissing"
    land.say(Command.RETRY, land.status().rejected[0].revision)
    await land.run(20)
    assert set(images(land)) == {"v1"}
    assert len(land.cluster.find("ControllerRevision")) == 1
    land.registries.signed.add(B)
    await land.settle()
    assert images(land)["v2"] == image_of("v2", B)
    assert land.status().stable.digest == B


EVERYTHING = ImageSettings(rules=(KeyRule(("*",), ("a key",)),))


async def test_a_nightly_job_cannot_bring_an_image_past_the_keys():
    land = land_with(EVERYTHING)
    land.registries.signed = {A}
    land.apply("v1")
    await land.settle()
    for explanations in ({}, {"repository": "evil.example/job"}):
        land.apply("v1", explanations=explanations)
        await land.run(20)
        assert not land.cluster.find("CronJob")
        assert "a key is demanded for" in land.condition("Stalled")[2]
        assert land.serving() == {"v1"}
    land.apply("v1", explanations={"repository": REPOSITORY})
    await land.run(20)
    assert [job_image(job) for job in land.cluster.find("CronJob")] == [image_of("v1", A)]


async def test_a_nightly_job_runs_no_image_of_a_revision_that_is_still_awaited():
    """The spec names the repository of what comes next; what serves is of another one."""
    land = land_with(EVERYTHING)
    land.registries.signed = {A}
    land.apply("v1")
    await land.settle()
    other = "evil.example/job"
    image = {"repository": other, "tag": "v2"}
    land.apply("v2", image=image, explanations={"repository": other})
    await land.run(20)
    assert land.serving() == {"v1"}
    assert not land.cluster.find("CronJob")


async def test_a_nightly_job_that_no_rule_covers_is_made():
    land = land_with(ImageSettings(rules=(KeyRule((REPOSITORY,), ("a key",)),)))
    land.registries.signed = {A}
    land.apply("v1", explanations={})
    await land.settle()
    assert [job_image(job) for job in land.cluster.find("CronJob")] == [f"{REPOSITORY}-training:v1"]


def job_image(job):
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod["containers"][0]["image"]
