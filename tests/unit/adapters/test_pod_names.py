"""From the name of a pod to its Deployment, and back to a pattern for its pods."""

import re

import pytest

from davylamp.adapters.pod_names import deployment_of, pattern_of_pods


@pytest.mark.parametrize(
    ("pod", "deployment"),
    [
        ("risk-4be2000001-7d4b9c-abcde", "risk-4be2000001"),
        ("a-b-c-7d4b9c-abcde", "a-b-c"),
        ("risk-7d4b9c-abcde", "risk"),
        ("risk-abcde", "risk"),
        ("loose", "loose"),
        ("", ""),
    ],
)
def test_hash_and_suffix_are_what_follows_the_last_two_dashes(pod, deployment):
    assert deployment_of(pod) == deployment


@pytest.mark.parametrize("name", ["risk-4be2000001", "a", "risk.v1"])
def test_the_pattern_matches_the_pods_of_a_deployment_and_of_no_other(name):
    pattern = re.compile(pattern_of_pods(name, "other"))
    assert pattern.fullmatch(f"{name}-7d4b9c-abcde")
    assert deployment_of(f"{name}-7d4b9c-abcde") == name
    for stranger in (
        name,
        f"{name}-extra-7d4b9c-abcde",
        f"x{name}-7d4b9c-abcde",
        "riskXv1-7-abcde",
    ):
        assert not pattern.fullmatch(stranger)
