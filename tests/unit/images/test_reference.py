"""Which registry a repository is in, by the rules that kubelets go by."""

import pytest

from davylamp.images import parse_image, parse_reference
from davylamp.images.reference import is_digest


@pytest.mark.parametrize(
    ("repository", "host", "name"),
    [
        ("model", "registry-1.docker.io", "library/model"),
        ("davylamp/model", "registry-1.docker.io", "davylamp/model"),
        ("docker.io/model", "registry-1.docker.io", "library/model"),
        ("index.docker.io/a/b", "registry-1.docker.io", "a/b"),
        ("registry.example/model", "registry.example", "model"),
        ("registry.example:5000/a/b/c", "registry.example:5000", "a/b/c"),
        ("localhost/model", "localhost", "model"),
        ("localhost:5000/model", "localhost:5000", "model"),
        ("172.18.0.1:5000/model", "172.18.0.1:5000", "model"),
        ("[fd00::1]:5000/model", "[fd00::1]:5000", "model"),
        ("models/a__b--c.d_e", "registry-1.docker.io", "models/a__b--c.d_e"),
    ],
)
def test_the_registry_is_known_by_the_first_part(repository, host, name):
    reference = parse_reference(repository, "v1")
    assert (reference.host, reference.name, reference.tag) == (host, name, "v1")


@pytest.mark.parametrize(
    "repository",
    [
        "registry.example/../v2/other",
        "registry.example//a",
        "registry.example/a/",
        "registry.example/",
        "registry.example:0/a",
        "registry.example:99999/a",
        "registry.example:5000:6000/a",
        "user@registry.example/a",
        "registry.example/a?x=y",
        "registry.example/a#b",
        "registry.example/A",
        "-registry.example/a",
        "a..b/c",
        "a:b",
        ".",
        "",
        "registry.example/" + "a" * 256,
    ],
)
def test_what_could_lead_elsewhere_is_no_repository(repository):
    with pytest.raises(ValueError, match="repository"):
        parse_reference(repository, "v1")


@pytest.mark.parametrize("tag", ["", "a/b", "../x", "-v1", "v 1", "v1?x", "a" * 129, "sha256:ab"])
def test_what_could_lead_elsewhere_is_no_tag(tag):
    with pytest.raises(ValueError, match="tag"):
        parse_reference("registry.example/a", tag)


def test_a_digest_is_sha256():
    assert is_digest("sha256:" + "a" * 64)
    assert not any(map(is_digest, ("", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 64)))


@pytest.mark.parametrize(
    ("image", "repository", "tag", "digest"),
    [
        ("a", "a", "latest", None),
        ("a:v1", "a", "v1", None),
        ("r.example:5000/a", "r.example:5000/a", "latest", None),
        ("r.example:5000/a:v1", "r.example:5000/a", "v1", None),
        ("r.example/a@sha256:" + "a" * 64, "r.example/a", "latest", "sha256:" + "a" * 64),
        ("r.example/a:v1@sha256:" + "a" * 64, "r.example/a", "v1", "sha256:" + "a" * 64),
    ],
)
def test_the_image_of_a_container_is_taken_apart(image, repository, tag, digest):
    assert parse_image(image) == (parse_reference(repository, tag), digest)


@pytest.mark.parametrize("image", ["", "a@sha256:ab", "a@md5:x", "a:", "A", "a b", "a@b@c"])
def test_what_no_container_could_run_is_no_image(image):
    with pytest.raises(ValueError, match=r"digest|repository|tag"):
        parse_image(image)
