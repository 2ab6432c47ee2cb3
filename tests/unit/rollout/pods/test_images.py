"""Image ids in the spellings of container runtimes."""

import pytest

from davylamp.rollout.pods.images import differing, digest_of, read_image_id, shared_digest

REPOSITORY = "registry.example/model"


@pytest.mark.parametrize(
    ("reported", "image_id", "digest"),
    [
        (f"{REPOSITORY}@sha256:9c1e", f"{REPOSITORY}@sha256:9c1e", "sha256:9c1e"),
        (f"docker-pullable://{REPOSITORY}@sha256:9c1e", f"{REPOSITORY}@sha256:9c1e", "sha256:9c1e"),
        ("docker://sha256:9c1e", "sha256:9c1e", "sha256:9c1e"),
        ("sha256:9c1e", "sha256:9c1e", "sha256:9c1e"),
    ],
)
def test_the_runtimes_prefix_is_no_part_of_an_id(reported, image_id, digest):
    assert read_image_id(reported) == image_id
    assert digest_of(image_id) == digest


def test_a_pod_that_has_not_started_has_no_id():
    assert read_image_id("") is None


@pytest.mark.parametrize(
    ("ids", "shared", "apart"),
    [
        ((), None, []),
        (("sha256:a", "sha256:a"), "sha256:a", []),
        (("sha256:a", "sha256:b"), None, [["sha256:a", "sha256:b"]]),
        (("sha256:a", "r@sha256:b"), "sha256:b", []),
        (("r@sha256:a", "m@sha256:b"), None, []),
        (("r@sha256:a", "r@sha256:b", "sha256:c"), None, [["sha256:a", "sha256:b"]]),
    ],
)
def test_only_ids_of_one_spelling_can_differ(ids, shared, apart):
    assert shared_digest(ids) == shared
    assert list(differing(ids)) == apart
