"""Images that are in the node are not loaded again."""

import pytest

from localcluster.loading import full_name, is_loaded, parse_listing

IMAGE_ID = "sha256:" + "a" * 64
LISTING = f"""\
REF                                TYPE                    DIGEST          SIZE     PLATFORMS   LABELS
docker.io/davylamp/operator:1.0    application/vnd.oci.v1  sha256:manifest 60.9 MiB linux/amd64 x=y
{IMAGE_ID}                         application/vnd.oci.v1  sha256:manifest 60.9 MiB linux/amd64 x=y
docker.io/davylamp/operator:0.9    application/vnd.oci.v1  sha256:older    60.9 MiB linux/amd64 x=y
"""


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("davylamp/operator:1.0", "docker.io/davylamp/operator:1.0"),
        ("python", "docker.io/library/python:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
    ],
)
def test_full_names(image, expected):
    assert full_name(image) == expected


@pytest.mark.parametrize(
    ("image", "image_id", "expected"),
    [
        ("davylamp/operator:1.0", IMAGE_ID, True),
        ("davylamp/operator:0.9", IMAGE_ID, False),  # the tag in the node is another image
        ("davylamp/operator:1.1", IMAGE_ID, False),  # the image is there, the tag is not
        ("davylamp/operator:1.0", "sha256:rebuilt", False),
        ("davylamp/operator:1.0", "sha256:manifest", True),  # engines that count manifests as ids
    ],
)
def test_loaded_means_same_name_and_same_contents(image, image_id, expected):
    assert is_loaded(image, image_id=image_id, digests=parse_listing(LISTING)) is expected


def test_an_empty_node_has_nothing():
    assert parse_listing("REF TYPE DIGEST SIZE PLATFORMS LABELS\n") == {}
    assert not is_loaded("x:1", image_id=IMAGE_ID, digests={})
