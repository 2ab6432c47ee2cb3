"""kube-score, a linter of manifests, has nothing to say against what the chart renders."""

import subprocess

import pytest

from localcluster import gobuild
from localcluster.cache import Store
from localcluster.paths import artifacts_dir
from localcluster.progress import Progress

pytestmark = pytest.mark.chart

ON_PURPOSE = {
    # the tag is a version that is never pushed twice, and a digest may be set
    "container-image-pull-policy": "IfNotPresent",
    # pods are spread by topologySpreadConstraints instead
    "deployment-has-host-podantiaffinity": "topologySpreadConstraints",
}
"""Checks that the chart fails knowingly, and what is in it instead."""
SHORT_LIVED = (
    "davylamp-selftest/davylamp-system v1/Pod: The pod does not have a matching NetworkPolicy"
)
"""The pod of `helm test` lives for seconds and answers nobody."""


@pytest.fixture(scope="module")
def score():
    """Runs kube-score over rendered manifests."""
    progress = Progress()
    go = gobuild.toolchain(Store(artifacts_dir()), progress=progress)
    program = gobuild.ensure(gobuild.KUBE_SCORE, go=go, progress=progress) / "kube-score"
    ignored = [option for check in ON_PURPOSE for option in ("--ignore-test", check)]
    # no limit of the CPU on purpose: throttling delays a rollback
    options = ["--kubernetes-version=v1.35", "--ignore-container-cpu-limit", *ignored]

    def run(manifests: str) -> subprocess.CompletedProcess:
        command = [program, "score", "--exit-one-on-warning", "--output-format=ci", *options, "-"]
        return subprocess.run(
            command, input=manifests, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.mark.parametrize(
    "values",
    [
        {"networkPolicy": {"restrictEgress": True}},
        {"networkPolicy": {"restrictEgress": True}, "watchNamespaces": ["team-a", "team-b"]},
        {
            "networkPolicy": {"restrictEgress": True},
            "metrics": {"prometheusRule": {"enabled": True}},
        },
    ],
    ids=["defaults", "namespaced", "all on"],
)
def test_kube_score_finds_nothing(score, template, values):
    rendered = template(values, "--api-versions=monitoring.coreos.com/v1")
    assert rendered.returncode == 0, rendered.stderr
    scored = score(rendered.stdout)
    findings = [
        line
        for line in scored.stdout.splitlines()
        if line.startswith(("[CRITICAL]", "[WARNING]")) and SHORT_LIVED not in line
    ]
    assert findings == []
    assert "[OK]" in scored.stdout, scored.stderr


def test_kube_score_would_find_something(score, template):
    rendered = template({"resources": {"limits": None}})
    scored = score(rendered.stdout)
    assert scored.returncode == 1
    assert "[CRITICAL]" in scored.stdout


def test_what_is_ignored_has_another_answer(template):
    rendered = template().stdout
    assert all(answer in rendered for answer in ON_PURPOSE.values())
