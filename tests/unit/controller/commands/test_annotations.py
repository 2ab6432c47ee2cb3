"""Commands on an object: which there are, and which somebody would put back."""

import json

import pytest

from davylamp.api.names import Command
from davylamp.controller.commands.annotations import LAST_APPLIED, commands_in, declared_in

ABORT, RETRY = Command.ABORT.value, Command.RETRY.value


def model(annotations, **metadata):
    return {"metadata": {"annotations": annotations, **metadata}}


def managed(operation, *annotations):
    fields = {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in annotations}}}
    return {"manager": "somebody", "operation": operation, "fieldsV1": fields}


def applied(annotations):
    return json.dumps({"metadata": {"annotations": annotations}, "spec": {}})


def test_commands_are_read_and_nothing_else():
    said = {ABORT: "aaa@1", "davylamp.dev/other": "x", RETRY: None}
    assert commands_in(model(said)) == {Command.ABORT: "aaa@1"}
    assert commands_in({"metadata": {}}) == {}


@pytest.mark.parametrize(
    ("annotations", "managers", "declared"),
    [
        ({ABORT: "aaa"}, [managed("Update", ABORT)], set()),
        ({ABORT: "aaa"}, [managed("Apply", ABORT)], {Command.ABORT}),
        ({ABORT: "aaa", RETRY: "aaa"}, [managed("Apply", RETRY)], {Command.RETRY}),
        ({ABORT: "aaa", LAST_APPLIED: applied({ABORT: "aaa"})}, [], {Command.ABORT}),
        ({ABORT: "bbb", LAST_APPLIED: applied({ABORT: "aaa"})}, [], set()),
        ({ABORT: "aaa", LAST_APPLIED: applied({})}, [], set()),
        ({ABORT: "aaa", LAST_APPLIED: "no JSON"}, [], set()),
        ({ABORT: "aaa", LAST_APPLIED: "[]"}, [{"operation": "Apply"}], set()),
        ({LAST_APPLIED: applied({ABORT: "aaa"})}, [managed("Apply", ABORT)], set()),
    ],
)
def test_what_an_applied_manifest_has_is_declared(annotations, managers, declared):
    assert declared_in(model(annotations, managedFields=managers)) == declared


@pytest.mark.parametrize(
    "applied_last",
    [
        '{"a":' * 40_000,
        "[" * 200_000,
        '{"metadata":' + "9" * 6_000 + "}",
        '{"metadata":"\ud800"}',
        "[" + "{}," * 60_000 + "{}]",
    ],
    ids=["deep", "lists", "digits", "half", "many"],
)
def test_what_was_applied_last_may_be_anything(applied_last):
    """Whoever may annotate a ModelDeployment writes it; a command beside it is still obeyed."""
    annotations = {ABORT: "x", LAST_APPLIED: applied_last}
    assert commands_in(model(annotations))
    assert declared_in(model(annotations)) == set()
