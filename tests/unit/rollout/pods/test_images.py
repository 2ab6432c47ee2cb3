"""Image ids as container runtimes spell them."""

import pytest

from davylamp.rollout.pods.images import differing, read_image_id, shared_digest

DIGITS = "0f" * 32


@pytest.mark.parametrize(
    ("spelled", "image_id"),
    [
        ("", None),
        (
            f"docker-pullable://registry.example/m@sha256:{DIGITS}",
            f"registry.example/m@sha256:{DIGITS}",
        ),
        (f"registry.example:5000/m@sha256:{DIGITS}", f"registry.example:5000/m@sha256:{DIGITS}"),
        (f"docker://sha256:{DIGITS}", f"sha256:{DIGITS}"),
        (f"sha256:{DIGITS}", f"sha256:{DIGITS}"),
        (DIGITS, f"sha256:{DIGITS}"),
    ],
    ids=[
        "none yet",
        "docker",
        "containerd",
        "docker, loaded",
        "containerd, loaded",
        "CRI-O, loaded",
    ],
)
def test_each_runtimes_spelling_is_read(spelled, image_id):
    assert read_image_id(spelled) == image_id


def test_one_configuration_is_one_whatever_runtime_names_it():
    ids = [read_image_id(spelled) or "" for spelled in (DIGITS, f"docker://sha256:{DIGITS}")]
    assert not list(differing(ids))
    assert shared_digest(ids) == f"sha256:{DIGITS}"
