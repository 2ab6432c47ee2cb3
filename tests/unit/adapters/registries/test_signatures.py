"""Signatures of cosign's: the right key about the right bytes, and everything that only looks like it."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.support import signing
from tests.support.fakehttp import Response

from davylamp.adapters.registries.keys import load_key
from davylamp.adapters.registries.signatures import LARGEST_PAYLOAD, MOST_SIGNATURES
from davylamp.images import ImageFault, Resolved, Unresolved
from davylamp.images.signed import PREDICATE, PREDICATE_ANNOTATION

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
KEYS = [signing.pem_of(KEY)]


def attach(registry, digest, *manifests_and_texts):
    """A classic signature at its tag."""
    manifest, text = manifests_and_texts
    registry.push(digest.replace(":", "-") + ".sig", manifest)
    registry.upload(text)


def refer(registry, digest, *bundles):
    """Bundles that refer to an image, in the registry's own list."""
    manifests = [signing.referrer(content, digest) for content in bundles]
    for content, manifest in zip(bundles, manifests, strict=True):
        registry.upload(content)
        registry.push("unused", manifest)
    registry.referrers[digest] = signing.index(*manifests)


async def fault(client, reference, keys=KEYS):
    answer = await client.resolve(reference, keys=keys)
    return getattr(answer, "fault", answer)


@pytest.fixture
def digest(registry):
    return registry.push("v1", signing.image())


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["p256", "p384", "p521", "rsa", "ed25519"],
)
async def test_a_signature_counts_in_both_forms(registry, client, reference, digest, key):
    keys = [signing.pem_of(OTHER), signing.pem_of(key)]
    attach(registry, digest, *signing.classic(key, digest))
    assert await client.resolve(reference, keys=keys) == Resolved(digest)
    registry.manifests.clear()
    registry.push("v1", signing.image())
    assert await fault(client, reference, keys) is ImageFault.UNSIGNED
    refer(registry, digest, signing.bundle(key, digest))
    assert await client.resolve(reference, keys=keys) == Resolved(digest)


async def test_without_a_list_of_referrers_their_tag_is_read(registry, client, reference, digest):
    registry.referrers = None
    content = signing.bundle(KEY, digest)
    manifest = signing.referrer(content, digest)
    registry.upload(content)
    registry.push("unused", manifest)
    registry.push(digest.replace(":", "-"), signing.index(manifest), signing.OCI_INDEX)
    assert await client.resolve(reference, keys=KEYS) == Resolved(digest)


async def test_no_key_is_demanded_no_signature_is_asked_for(registry, client, reference, digest):
    assert await client.resolve(reference) == Resolved(digest)
    assert len(registry.asked) == 1


async def test_the_digest_of_a_spec_is_looked_at_without_its_tag(registry, client, reference):
    digest = signing.digest_of(b"another")
    attach(registry, digest, *signing.classic(KEY, digest))
    answer = await client.resolve(reference, digest=digest, keys=KEYS)
    assert answer == Resolved(digest)
    assert not [asked for asked in registry.asked if asked.endswith("/v1")]


async def test_a_key_that_is_not_listed_does_not_count(registry, client, reference, digest):
    attach(registry, digest, *signing.classic(OTHER, digest))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED
    refer(registry, digest, signing.bundle(OTHER, digest))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


async def test_what_to_type_is_told_in_full(registry, client, reference, digest):
    missing = await client.resolve(reference, keys=KEYS)
    attach(registry, digest, *signing.classic(OTHER, digest))
    wrong = await client.resolve(reference, keys=KEYS)
    line = f"`cosign sign --key KEY {reference.host}/{reference.name}@{digest}`"
    for answer in (missing, wrong):
        assert isinstance(answer, Unresolved)
        assert answer.message.endswith(line)


async def test_a_right_signature_beside_wrong_ones_counts(registry, client, reference, digest):
    attach(registry, digest, *signing.classic(OTHER, digest))
    refer(registry, digest, signing.bundle(OTHER, digest), signing.bundle(KEY, digest))
    assert await client.resolve(reference, keys=KEYS) == Resolved(digest)


async def test_a_signature_of_other_bytes_does_not_count(registry, client, reference, digest):
    other = signing.digest_of(b"an older image, which was signed")
    attach(registry, digest, *signing.classic(KEY, digest, of=other))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED
    refer(registry, digest, signing.bundle(KEY, other))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


async def test_an_attestation_is_no_signature(registry, client, reference, digest):
    refer(registry, digest, signing.bundle(KEY, digest, predicate="https://slsa.dev/provenance/v1"))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED
    refer(registry, digest, signing.bundle(KEY, digest, kind="text/plain"))
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


async def test_a_payload_of_another_kind_is_no_signature(registry, client, reference, digest):
    text = signing.payload(digest, kind="atomic container signature")
    annotations = {"dev.cosignproject.cosign/signature": signing.signed(KEY, text)}
    layer = signing.blob(text, signing.SIMPLE, annotations=annotations)
    attach(registry, digest, signing.image(layers=[layer]), text)
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


async def test_a_blob_with_other_bytes_than_its_digest_does_not_count(
    registry, client, reference, digest
):
    manifest, text = signing.classic(KEY, digest)
    attach(registry, digest, manifest, text)
    registry.blobs[signing.digest_of(text)] = signing.payload(digest) + b" "
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no json",
        b"[]",
        b"[" * 30_000,
        b'{"critical":' * 3_000,
        b'{"critical": {"image": "x", "type": ["x"]}}',
        b"\xff\xfe",
    ],
    ids=["empty", "text", "list", "deep", "deep objects", "other types", "no utf-8"],
)
async def test_signed_nonsense_is_no_signature(registry, client, reference, digest, text):
    annotations = {"dev.cosignproject.cosign/signature": signing.signed(KEY, text)}
    layer = signing.blob(text, signing.SIMPLE, annotations=annotations)
    attach(registry, digest, signing.image(layers=[layer]), text)
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED


@pytest.mark.parametrize(
    "manifest",
    [
        b"[" * 200_000,
        b'{"layers": {"a": 1}}',
        b'{"layers": [1, "x", null, {"mediaType": 5}]}',
        json.dumps({"layers": [{"mediaType": signing.SIMPLE, "digest": "../../x"}]}).encode(),
        json.dumps({"layers": [{"mediaType": signing.SIMPLE, "annotations": 7}]}).encode(),
    ],
)
async def test_a_list_of_signatures_that_is_nonsense_holds_none(
    registry, client, reference, digest, manifest
):
    registry.push(digest.replace(":", "-") + ".sig", manifest)
    registry.referrers[digest] = manifest
    assert await fault(client, reference) in {ImageFault.UNSIGNED, ImageFault.BADLY_SIGNED}
    assert not [asked for asked in registry.asked if "blobs" in asked]


async def test_a_large_payload_is_not_read(registry, client, reference, digest):
    text = b" " * (LARGEST_PAYLOAD + 1)
    layer = signing.blob(text, signing.SIMPLE)
    attach(registry, digest, signing.image(layers=[layer]), text)
    assert await fault(client, reference) is ImageFault.BAD_ANSWER


async def test_few_of_many_signatures_are_looked_at(registry, client, reference, digest):
    texts = [signing.payload(digest) + b" " * n for n in range(100)]
    layers = [signing.blob(text, signing.SIMPLE) for text in texts]
    registry.push(digest.replace(":", "-") + ".sig", signing.image(layers=layers))
    for text in texts:
        registry.upload(text)
    assert await fault(client, reference) is ImageFault.BADLY_SIGNED
    assert len([asked for asked in registry.asked if "blobs" in asked]) == MOST_SIGNATURES


async def test_many_attestations_do_not_hide_a_signature(registry, client, reference, digest):
    """Scans of every night are bundles, too; cosign says in the list what each of them is."""
    kinds = {n: f"https://example/scan/{n}" for n in range(MOST_SIGNATURES + 4)}
    bundles = [signing.bundle(KEY, digest, predicate=kind) for kind in kinds.values()]
    refer(registry, digest, *bundles, signing.bundle(KEY, digest))
    listed = json.loads(registry.referrers[digest])
    named = [*kinds.values(), PREDICATE]
    for item, kind in zip(listed["manifests"], named, strict=True):
        item["annotations"] = {PREDICATE_ANNOTATION: kind}
    registry.referrers[digest] = json.dumps(listed).encode()
    assert isinstance(await client.resolve(reference, keys=KEYS), Resolved)


async def test_a_registry_that_fails_in_between_says_nothing_of_signatures(
    registry, client, reference, digest
):
    attach(registry, digest, *signing.classic(KEY, digest))
    registry.instead = lambda r: Response(status=503) if ".sig" in r.path else None
    assert await fault(client, reference) is ImageFault.BUSY


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nonsense",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        signing.pem_of(rsa.generate_private_key(65537, 1024)),
        base64.b64encode(b"x").decode(),
    ],
)
def test_what_is_no_good_key_is_refused(pem):
    with pytest.raises(ValueError, match="is no"):
        load_key(pem)


async def test_what_cosign_itself_has_signed_counts(registry, client, reference):
    path = Path(__file__).parent / "stored" / "cosign.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    classic, new, keys = stored["classic"], stored["bundle"], [stored["key"]]
    attach(registry, classic["digest"], classic["manifest"].encode(), classic["payload"].encode())
    answer = await client.resolve(reference, digest=classic["digest"], keys=keys)
    assert answer == Resolved(classic["digest"])
    registry.referrers = None
    registry.upload(new["bundle"].encode())
    registry.push("unused", new["manifest"].encode())
    tag = new["digest"].replace(":", "-")
    registry.push(tag, new["index"].encode(), signing.OCI_INDEX)
    answer = await client.resolve(reference, digest=new["digest"], keys=keys)
    assert answer == Resolved(new["digest"])
    for digest in (classic["digest"], new["digest"]):
        answer = await client.resolve(reference, digest=digest, keys=KEYS)
        assert answer.fault is ImageFault.BADLY_SIGNED
