"""What can be read off an image without running it."""

import json

import jsonschema
import pytest
from tests.images.conftest import SAMPLE, docker

from packing.plan import Kind
from smoke import CLAIMS

KINDS = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)


@KINDS
def test_labels_are_the_manifests_claims(images, kind):
    manifest, labels = images.manifest(kind), images.labels(kind)
    for name, path in CLAIMS.items():
        claimed = manifest
        for key in path:
            claimed = claimed[key]
        known = labels.get(name, "unknown")
        assert known == (str(claimed).lower() if isinstance(claimed, bool) else str(claimed)), name


@KINDS
def test_the_manifest_keeps_the_published_schema(images, kind):
    schema = json.loads((SAMPLE / "manifest.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(images.manifest(kind))


def test_both_images_carry_the_same_model(images):
    assert images.manifest(Kind.TRAINING) == images.manifest(Kind.SERVING)
    for name in images.manifest(Kind.SERVING)["artefacts"]:
        path = f"/app/model/{name}"
        assert images.file(Kind.TRAINING, path) == images.file(Kind.SERVING, path)


@KINDS
def test_nobody_is_root_by_default(images, kind):
    user = docker("image", "inspect", "--format", "{{.Config.User}}", images.name(kind))
    assert user.strip() == "65532:65532"


def test_the_images_share_their_largest_layers(images):
    template = "{{json .RootFS.Layers}}"
    serving, training = (
        json.loads(docker("image", "inspect", "--format", template, images.name(kind)))
        for kind in (Kind.SERVING, Kind.TRAINING)
    )
    shared = [a for a, b in zip(serving, training, strict=False) if a == b]
    assert len(shared) >= 3  # base image, lock file, libraries of the server


def test_the_lock_of_the_libraries_is_in_the_image_and_in_the_manifest(images):
    lock = SAMPLE / "requirements/train.txt"
    assert images.file(Kind.TRAINING, "/app/requirements/train.txt") == lock.read_bytes()
