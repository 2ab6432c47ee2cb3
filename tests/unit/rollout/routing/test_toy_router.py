"""A router is one module, one line in the registry and one value of the API; nothing else knows it.

The operator is copied, the router `Weights` is added to the copy, and whole rollouts run behind it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
V1, V2 = "00000000v1", "00000000v2"
ROUTING = Path("davylamp/rollout/routing")
API = Path("davylamp/api/spec.py")
EDITS = {
    ROUTING / "registry.py": {
        "from davylamp.rollout.routing.service_pods import ServicePods\n": (
            "from davylamp.rollout.routing.service_pods import ServicePods\n"
            "from davylamp.rollout.routing.weights import Weights\n"
        ),
        '    "Service": ServicePods(),\n': (
            '    "Service": ServicePods(),\n    "Weights": Weights(),\n'
        ),
    },
    API: {'Literal["Service"]': 'Literal["Service", "Weights"]'},
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the operator's source with one router more."""
    folder = tmp_path_factory.mktemp("operator")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator" / "davylamp", folder / "davylamp", ignore=ignored)
    shutil.copy(HERE / "toy_router.py", folder / ROUTING / "weights.py")
    for path, changes in EDITS.items():
        text = (folder / path).read_text(encoding="utf-8")
        for old, new in changes.items():
            assert text.count(old) == 1, f"{path}: {old}"
            text = text.replace(old, new)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def story(copy):
    """What happened in the rollouts, by chapter."""
    done = subprocess.run(
        [sys.executable, HERE / "toy_story.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)])},
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    chapters = json.loads(done.stdout)
    assert Path(chapters["davylamp"]).is_relative_to(copy)
    return chapters


def sources(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def test_it_takes_at_most_four_files(copy):
    before, after = sources(ROOT / "operator"), sources(copy)
    touched = {path for path in after if after[path] != before.get(path)}
    assert touched == {ROUTING / "weights.py", *EDITS}
    assert len(touched) <= 4


def test_the_api_offers_it_and_the_simulation_follows_it(story):
    assert story["in the CRD"]
    assert story["simulated"] == [0.05, 0.5]


def test_one_replica_is_enough_for_five_percent(story):
    """Behind one Service a single canary pod beside a single stable pod is 50 %."""
    assert story["installed"] == {V1: "100"}
    assert story["canary"] == {
        "weights": {V1: "95", V2: "5"},
        "actual": 5,
        "shares": ["0.0500"],
        "pods": {V1: 1, V2: 1},
    }


def test_the_fence_comes_first(story):
    assert story["fence"]["weights"] == {V1: "100"}
    assert story["fence"]["writes"][-3:] == [
        "fence diabetes-risk-weights",
        "status",
        f"scale {V2} to 0",
    ]


def test_weights_only_rise_until_it_is_promoted(story):
    assert story["promotion"] == [
        {V1: "100"},
        {V1: "95", V2: "5"},
        {V1: "50", V2: "50"},
        {V2: "100"},
    ]
    assert story["promoted"] == {"stable": "v2", "weights": {V2: "100"}}


def test_a_rollback_in_probation_goes_through_it_too(story):
    assert story["rolled back"] == {"stable": "v1", "weights": {V1: "100"}}


def test_the_plan_pins_its_router_and_the_fence_reaches_it_though_the_spec_has_another(story):
    assert story["another router"] == {
        "pinned": {V1: "95", V2: "5"},
        "first write": "fence diabetes-risk-weights",
        "weights": {V1: "100"},
    }
