"""A new kind of gate is one file and its line in the registry, and cannot be half a kind."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from davylamp.gates.channels import Channel
from davylamp.gates.kinds.base import GateKind
from davylamp.gates.trial import Rule

ROOT = Path(__file__).parents[4]
TOY = Path(__file__).parent / "toy"
KINDS = Path("davylamp/gates/kinds")


def files(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def with_toy(directory, toy=None):
    """A copy of the operator that has the toy kind: one file, and the registry's two lines."""
    copy = directory / "operator"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator" / "davylamp", copy / "davylamp", ignore=ignored)
    text = toy or (TOY / "toy.py").read_text(encoding="utf-8")
    (copy / KINDS / "toy.py").write_text(text, encoding="utf-8")
    registry = copy / KINDS / "registry.py"
    listed = registry.read_text(encoding="utf-8")
    listed = listed.replace(
        "    complete(QueryKind),\n", "    complete(QueryKind),\n    complete(ToyKind),\n"
    )
    line = "from davylamp.gates.kinds.query import QueryKind\n"
    listed = listed.replace(line, f"{line}from davylamp.gates.kinds.toy import ToyKind\n")
    registry.write_text(listed, encoding="utf-8")
    return copy


def python(copy, *arguments):
    path = os.pathsep.join(map(str, (copy, ROOT)))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return with_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def told(copy):
    ran = python(copy, str(TOY / "story.py"), str(copy.parent))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_two_files_are_touched(copy):
    before, after = files(ROOT / "operator"), files(copy)
    changed = {path for path in after if before.get(path) != after[path]}
    assert changed == {KINDS / "toy.py", KINDS / "registry.py"}
    assert before.keys() <= after.keys()


def test_a_spec_is_admitted_and_a_bad_one_refused(told):
    assert '"maxBroken"' in told["crd"]
    assert "maxBroken must lie between 0 and 1" in told["crd"]
    assert "has(self.toy) ? 1 : 0" in told["crd"]
    assert told["kinds"].endswith("query, toy")
    assert "toy.maxBroken" in told["refusal"]
    assert told["kinds"] in told["twice"]


def test_its_series_are_asked_for_by_the_names_that_are_set(told):
    assert told["setting"] == ["other_toys"]
    assert told["promql"].startswith('my_toys{namespace=~"models"')


def test_what_prometheus_answers_is_judged(told):
    assert told["fail"][:2] == ["Fail", "ThingsBroken"]
    assert told["pass"][:2] == ["Pass", "ThingsWhole"]
    assert {"ThingsBroken", "ThingsWhole"} <= set(told["reasons"])
    assert re.fullmatch(r"\d+ of \d+ things are broken", told["fail"][2])


def test_the_status_tells_it(told):
    assert told["during"] == [told["pass"][2]]
    assert any("gate toys" in text and told["fail"][2] in text for text in told["after"])


def test_it_is_forecast_before_the_canary(told):
    assert told["forecast"] == "100 things take 10 s"


def test_a_flight_record_is_replayed(told):
    (bad_code, bad), (good_code, good) = told["replay"]
    assert (bad_code, good_code) == (0, 0)
    assert (bad[-1]["decision"], bad[-1]["gate"]) == ("rollback", "toys")
    assert bad[-1]["reason"] == "ThingsBroken"
    assert good[-1]["decision"] == "promote"


def test_it_is_simulated(told):
    code, answers = told["simulation"]
    assert code == 0
    mine = {a["canary"]: a["rolledBack"] for a in answers if a["gate"] == "Davylamp"}
    assert (mine["healthy"], mine["20 %"], mine["100 %"]) == (0, 5, 5)


PARTS = {
    "rule": "ToyKind",
    "is_bounded": "ToyKind",
    "field": "ToyKind",
    "description": "ToyKind",
    "spec": "ToyKind",
    "validations": "ToyKind",
    "rules": "ToyKind",
    "channel": "BrokenThings",
    "worse_reason": "BrokenThings",
    "acceptable_reason": "BrokenThings",
    "opened": "BrokenThings",
    "entered": "BrokenThings",
    "missing": "BrokenThings",
    "judged": "BrokenThings",
    "alone": "BrokenThings",
    "forecast": "BrokenThings",
    "name": "_Toys",
    "settings": "_Toys",
    "metrics": "_Toys",
    "selector": "_Toys",
    "role": "_Toys",
    "simulated": "_Toys",
}


def without(part, owner):
    """The toy kind without one of its parts."""
    tree = ast.parse((TOY / "toy.py").read_text(encoding="utf-8"))
    (made,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner]
    kept = [node for node in made.body if part not in names_of(node)]
    assert len(kept) == len(made.body) - 1
    made.body = kept
    return ast.unparse(tree)


def names_of(node):
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id}
    return {t.id for t in node.targets} if isinstance(node, ast.Assign) else set()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return with_toy(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("part", PARTS)
def test_a_kind_that_forgets_a_part_does_not_import(bare, part):
    owner = PARTS[part]
    (bare / KINDS / "toy.py").write_text(without(part, owner), encoding="utf-8")
    ran = python(bare, "-c", "import davylamp.gates.kinds.registry")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("TypeError")
    assert owner in last
    assert re.search(rf"\b{part}\b", last)


TOY_TEXT = (TOY / "toy.py").read_text(encoding="utf-8")
UNKNOWN_SOURCE = TOY_TEXT.replace("Channel | None] = TOYS", "Channel | None] = None")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TOY_TEXT.replace("rules = (BrokenThings,)", "rules = ()"), "ToyKind has rules of 0"),
        (UNKNOWN_SOURCE, "ToyKind does not say: user_query"),
        (
            UNKNOWN_SOURCE.replace(
                "    @override\n    def is_bounded",
                "    def user_query(self, spec):\n        ...\n\n    @override\n    def is_bounded",
            ),
            "BrokenThings does not say: answered, user_query",
        ),
    ],
)
def test_a_kind_whose_rules_read_nothing_or_many_things_does_not_import(bare, text, said):
    (bare / KINDS / "toy.py").write_text(text, encoding="utf-8")
    ran = python(bare, "-c", "import davylamp.gates.kinds.registry")
    assert ran.stderr.splitlines()[-1].startswith(f"TypeError: {said}")


def test_two_kinds_cannot_share_an_admission_model(bare):
    borrowed = "from davylamp.gates.kinds.bias import BiasSpec\n"
    text = TOY_TEXT.replace("spec = ToySpec", "spec = BiasSpec")
    text = text.replace("from davylamp.gates.trial", f"{borrowed}from davylamp.gates.trial")
    (bare / KINDS / "toy.py").write_text(text, encoding="utf-8")
    ran = python(bare, "-c", "import davylamp.gates.kinds.registry")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("AssertionError")


def test_the_list_of_parts_is_whole():
    """Whatever a kind has to say is in the list above."""

    def asked(base):
        declared = {name for name in base.__annotations__ if not hasattr(base, name)}
        return declared | set(base.__abstractmethods__)

    assert set(PARTS) == asked(Channel) | asked(GateKind) | asked(Rule)
