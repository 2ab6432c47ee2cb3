"""docs/ARCHITECTURE.md is as the code is: rooms, who knows whom, and the files of what can be added."""

import re
from typing import get_args

import pytest
from tests.support.documents import DOCS, ROOT, code, marked
from tests.support.rooms import PACKAGE, folders, known_rooms, known_siblings

from davylamp.api.command_answers import Handled
from davylamp.api.gates import Gate
from davylamp.api.names import Command
from davylamp.api.spec import CheckName, ModelDeploymentSpec, Rollout, RouterName
from davylamp.checks import Replies, inspection
from davylamp.checks.expected import Expected
from davylamp.checks.replies import Silent
from davylamp.gates.kinds.registry import KINDS
from davylamp.rollout.moves.chain import MOVES

PAGE = DOCS / "ARCHITECTURE.md"
ROUTERS = get_args(RouterName)
MEMBERS = {
    "kind": [name for name in Gate.model_fields if name not in {"name", "on_fail"}],
    "router": [{"Service": "service_pods"}[router] for router in ROUTERS],
    "check": [check.lower() for check in CheckName],
}
"""What stands for a placeholder in the path of a file."""
ADDITIONS = ("gate kind", "router", "check", "spec field", "command")


def paths(addition: str) -> list[str]:
    return [code(row[0])[0] for row in marked(PAGE, f"add: {addition}", "add")]


def files(path: str) -> list:
    """The files that a path stands for: one, or one for each member."""
    placeholder = re.search(r"<(\w+)>", path)
    names = MEMBERS[placeholder[1]] if placeholder else [""]
    base = ROOT if path.startswith("/") else PACKAGE
    return [base / re.sub(r"<\w+>", name, path).lstrip("/") for name in names]


def test_every_room_is_listed_with_the_rooms_that_it_knows():
    listed = {code(room)[0]: set(code(known)) for room, _, known in marked(PAGE, "rooms")}
    assert listed == {room: known_rooms(room) for room in folders() if "/" not in room}


def test_every_sub_room_is_listed_with_the_siblings_that_it_knows():
    listed = {code(room)[0]: set(code(known)) for room, _, known in marked(PAGE, "sub-rooms")}
    assert listed == {room: known_siblings(room) for room in folders() if "/" in room}


@pytest.mark.parametrize("table", ["rooms", "sub-rooms"])
def test_no_room_is_listed_twice(table):
    listed = [code(room)[0] for room, _, _ in marked(PAGE, table)]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("addition", ADDITIONS)
def test_every_file_of_a_list_exists(addition):
    assert paths(addition)
    for path in paths(addition):
        missing = [file for file in files(path) if not file.is_file()]
        assert not missing, path


def test_every_check_of_the_api_is_in_the_registry_of_checks():
    checks = list(CheckName)
    nobody = Replies(Silent("no answer"))
    results = inspection.judged(checks, Expected("v1", "2026-11-01", 42), nobody)
    assert [result.name for result in results] == checks


def test_every_gate_kind_of_the_api_is_in_the_registry_of_kinds():
    assert [kind.field for kind in KINDS] == MEMBERS["kind"]


def test_every_router_of_the_api_is_in_the_registry_of_routers():
    registry = pytest.importorskip("davylamp.rollout.routing.registry")
    assert set(registry.ROUTERS) == set(ROUTERS)


def test_every_command_of_the_api_has_its_move_and_is_remembered():
    names = [command.rsplit("/", 1)[-1] for command in Command]
    assert {f"{name}_requested" for name in names} <= {move.__name__ for move in MOVES}
    assert sorted(Handled.model_fields) == sorted(names)


@pytest.mark.parametrize("page", ["README.md", "docs/runbooks/rollout-does-not-proceed.md"])
def test_every_command_of_the_api_is_explained_to_users(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for command in Command:
        assert re.search(rf"\b{command.rsplit('/', 1)[-1]}\b", text), command


def test_every_field_of_the_rollout_is_in_the_definition():
    crd = (ROOT / "crds" / "davylamp.dev_modeldeployments.yaml").read_text(encoding="utf-8")
    for model in (ModelDeploymentSpec, Rollout):
        assert not [f.alias for f in model.model_fields.values() if f"{f.alias}:" not in crd]
