"""Which credentials of which Secret go to a registry."""

import base64
import json

import pytest

from davylamp.adapters.registries.credentials import LARGEST, Credentials, credentials_for


def secret(auths):
    return raw(json.dumps({"auths": auths}).encode())


def raw(content):
    return {"data": {".dockerconfigjson": base64.b64encode(content).decode()}}


def entry(name):
    return {"username": name, "password": "p"}


def chosen(auths, host="registry.example", name="models/risk"):
    credentials = credentials_for(host, name, [secret(auths)])
    return credentials.username if credentials else None


@pytest.mark.parametrize(
    "key",
    [
        "registry.example",
        "https://registry.example",
        "https://registry.example/",
        "https://registry.example/v1/",
        "http://registry.example/v2",
        "registry.example/models",
        "registry.example/models/risk",
    ],
)
def test_a_host_is_spelt_in_many_ways(key):
    assert chosen({key: entry("me")}) == "me"


@pytest.mark.parametrize(
    "key",
    [
        "registry.example:5000",
        "registry.example.evil",
        "evil.registry.example",
        "registry.example/model",
        "registry.example/others",
        "",
    ],
)
def test_other_hosts_and_paths_are_others(key):
    assert chosen({key: entry("me")}) is None


def test_the_longest_path_comes_first():
    auths = {
        "registry.example": entry("all"),
        "registry.example/models": entry("models"),
        "registry.example/models/risk": entry("risk"),
    }
    assert chosen(auths) == "risk"
    assert chosen(auths, name="models/other") == "models"
    assert chosen(auths, name="other") == "all"


def test_docker_hub_has_several_names():
    auths = {"https://index.docker.io/v1/": entry("hub")}
    assert chosen(auths, host="registry-1.docker.io") == "hub"


def test_name_and_password_may_stand_together():
    encoded = base64.b64encode(b"me:a:b").decode()
    found = credentials_for("r.example", "a", [secret({"r.example": {"auth": encoded}})])
    assert found == Credentials("me", "a:b")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[" * 100_000,
        b'{"auths": []}',
        b'{"auths": {"registry.example": 7}}',
        b'{"auths": {"registry.example": {"auth": "%%%"}}}',
        b'{"auths": {"registry.example": {"auth": "AAAA"}}}',
        b'{"auths": {"registry.example": {"username": 1, "password": 2}}}',
        b'{"auths": {"registry.example": {"username": "a\\r\\nX: y", "password": "b"}}}',
        b" " * LARGEST,
    ],
)
def test_nonsense_is_nobodys(content):
    assert credentials_for("registry.example", "models/risk", [raw(content)]) is None
    assert credentials_for("registry.example", "models/risk", [{}, {"data": 1}]) is None


def test_a_password_is_not_shown():
    assert "secret" not in repr(Credentials("me", "secret"))


@pytest.mark.parametrize(
    ("pattern", "host", "is_for"),
    [
        ("*.example", "registry.example", True),
        ("reg*.example", "registry.example", True),
        ("*.example:5000", "registry.example:5000", True),
        ("https://*.example/models", "registry.example", True),
        ("*.example", "registry.example:5000", False),
        ("*.example:5000", "registry.example", False),
        ("*.example", "a.registry.example", False),
        ("*.example", "registry.example.evil", False),
        ("*", "registry.example", False),
        ("*:*", "registry.example:5000", False),
        ("[::1]:5000", "[::1]:5000", True),
        ("[::1]:5000", "[::2]:5000", False),
        ("*.io", "registry-1.docker.io", False),
    ],
)
def test_patterns_are_those_of_kubelets(pattern, host, is_for):
    assert (chosen({pattern: entry("me")}, host) == "me") is is_for
