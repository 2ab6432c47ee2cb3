"""Which keys are demanded of which repositories."""

from davylamp.images import KeyRule, keys_for, parse_reference

RULES = (
    KeyRule(("registry.example/open/*",), ("open",)),
    KeyRule(("registry.example/*", "docker.io/acme/*"), ("acme",)),
)


def keys(repository):
    return keys_for(parse_reference(repository, "v1"), RULES)


def test_the_first_rule_that_fits_counts():
    assert keys("registry.example/open/a") == ("open",)
    assert keys("registry.example/a") == ("acme",)
    assert keys("registry.example/a/b/c") == ("acme",)


def test_docker_hub_goes_by_all_of_its_names():
    for repository in ("acme/model", "docker.io/acme/model", "index.docker.io/acme/model"):
        assert keys(repository) == ("acme",)


def test_the_usual_port_is_no_way_around():
    assert keys("registry.example:443/a") == ("acme",)
    assert keys("registry.example:80/a") == ("acme",)
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert keys(f"{host}:443/acme/model") == ("acme",)


def test_other_registries_are_nobodys():
    for repository in (
        "registry.example.evil/a",
        "evil/registry.example/a",
        "registry.example:5/a",
    ):
        assert keys(repository) is None


def test_images_of_docker_hub_without_a_slash_belong_to_library():
    official = (KeyRule(("docker.io/library/*",), ("official",)),)
    for repository in (
        "redis",
        "docker.io/redis",
        "docker.io:443/redis",
        "index.docker.io:443/redis",
    ):
        assert keys_for(parse_reference(repository, "v1"), official) == ("official",)
