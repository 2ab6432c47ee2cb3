"""What the client makes of a real registry: digests, moved tags, signatures in both forms."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support import signing
from tests.support.operation import Land

from davylamp.adapters.registries.client import HttpRegistries
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.controller.images.resolver import WATCHED_EVERY
from davylamp.controller.images.settings import Digests, ImageSettings
from davylamp.images import ImageFault, KeyRule, Resolved, parse_reference

KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = (signing.pem_of(KEY),)


@pytest.fixture
async def client(registry):
    made = HttpRegistries(RegistrySettings(plain_http=frozenset({registry.host})))
    yield made
    await made.aclose()


@pytest.fixture
def name(request):
    """A repository of the test's own."""
    words = request.node.name.replace("_", "-").lower()[:60].rstrip("-")
    return f"models/{words}"


def reference(registry, name, tag="v1"):
    return parse_reference(f"{registry.host}/{name}", tag)


async def test_a_tag_has_the_digest_of_its_manifest(registry, client, name):
    digest = registry.push_image(name, "v1", "one")
    assert await client.resolve(reference(registry, name)) == Resolved(digest)


async def test_an_index_has_a_digest_of_its_own(registry, client, name):
    registry.push_image(name, "amd64", "one")
    part = signing.image(
        json.dumps({"architecture": "amd64", "os": "linux", "comment": "one"}).encode()
    )
    index = signing.index(part)
    digest = registry.push(name, "v1", index, signing.OCI_INDEX)
    assert await client.resolve(reference(registry, name)) == Resolved(digest)


async def test_a_tag_that_is_pushed_again_is_another_digest(registry, client, name):
    first = registry.push_image(name, "v1", "one")
    second = registry.push_image(name, "v1", "two")
    assert first != second
    assert await client.resolve(reference(registry, name)) == Resolved(second)


async def test_a_missing_tag_and_a_missing_repository_are_not_found(registry, client, name):
    registry.push_image(name, "v1", "one")
    for wanted in (reference(registry, name, "v2"), reference(registry, "no/such", "v1")):
        answer = await client.resolve(wanted)
        assert answer.fault is ImageFault.NOT_FOUND


async def test_a_classic_signature_is_found_and_one_of_another_key_is_not_enough(
    registry, client, name
):
    digest = registry.push_image(name, "v1", "one")
    wanted = reference(registry, name)
    assert (await client.resolve(wanted, keys=KEYS)).fault is ImageFault.UNSIGNED
    tag = digest.replace(":", "-") + ".sig"
    registry.upload(name, b"{}")
    for key in (ec.generate_private_key(ec.SECP256R1()), KEY):
        manifest, text = signing.classic(key, digest)
        registry.upload(name, text)
        registry.push(name, tag, manifest)
        answer = await client.resolve(wanted, keys=KEYS)
        if key is KEY:
            assert answer == Resolved(digest)
        else:
            assert answer.fault is ImageFault.BADLY_SIGNED


async def test_a_bundle_is_found_by_the_tag_for_referrers(registry, client, name):
    digest = registry.push_image(name, "v1", "one")
    content = signing.bundle(KEY, digest)
    manifest = signing.referrer(content, digest)
    registry.upload(name, b"{}")
    registry.upload(name, content)
    registry.push(name, signing.digest_of(manifest), manifest)
    registry.push(name, digest.replace(":", "-"), signing.index(manifest), signing.OCI_INDEX)
    answer = await client.resolve(reference(registry, name), keys=KEYS)
    assert answer == Resolved(digest)


def image_of(land, tag):
    """The image that the Deployment of a tag runs."""
    for item in land.cluster.find("Deployment"):
        if item["metadata"]["labels"]["app.kubernetes.io/version"] == tag:
            return item["spec"]["template"]["spec"]["containers"][0]["image"]
    return None


async def test_the_whole_operator_pins_and_verifies_and_tells_of_a_moved_tag(
    registry, client, name
):
    rules = (KeyRule((f"{registry.host}/models/*",), KEYS),)
    land = Land(images=ImageSettings(digests=Digests.REQUIRE, rules=rules))
    land.registries = client
    land.restart()
    repository = f"{registry.host}/{name}"
    digests = {tag: registry.push_image(name, tag, tag) for tag in ("v1", "v2")}
    registry.upload(name, b"{}")
    manifest, text = signing.classic(KEY, digests["v1"])
    registry.upload(name, text)
    registry.push(name, digests["v1"].replace(":", "-") + ".sig", manifest)

    land.apply("v1", image={"repository": repository, "tag": "v1"})
    await land.settle()
    assert image_of(land, "v1") == f"{repository}:v1@{digests['v1']}"

    land.apply("v2", image={"repository": repository, "tag": "v2"})
    await land.settle()
    assert (land.stable(), land.rejected_reason()) == ("v1", "SignatureMissing")
    assert image_of(land, "v2") is None

    moved = registry.push_image(name, "v1", "moved")
    land.now += timedelta(seconds=WATCHED_EVERY)
    await land.run(5)
    assert moved in land.condition("TagMoved")[2]
    assert image_of(land, "v1") == f"{repository}:v1@{digests['v1']}"
